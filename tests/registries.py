"""What the registries hold of the library itself, whichever tests ran before in this process."""


def our_names(registry):
    """Names of parts that are neither a test's own nor a paper's."""
    modules = {name: registry[name].__module__ for name in registry.names()}
    return sorted(
        name
        for name, module in modules.items()
        if module.startswith("glassnet.") and not module.startswith("glassnet.papers.")
    )
