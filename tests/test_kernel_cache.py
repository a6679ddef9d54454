"""Machine code on disk: what is saved at the same moment is what is loaded later."""

import time
from concurrent.futures import ThreadPoolExecutor

from glassnet.kernels import compile


def double(x, y):
    for i in range(x.size):
        y[i] = 2 * x[i]


def test_code_that_is_saved_at_once_is_not_mixed_up(tmp_path, monkeypatch):
    """Locks hold between threads as they do between processes.

    Without one, both read an empty index, and the delays put the writes into the order: index of
    float32, index and code of float64, code of float32. Both codes would then have the same name.
    """
    monkeypatch.setattr(compile, "FOLDER", tmp_path)
    file = compile.compiled(double)._cache._cache_file
    write_index, write_code = file._save_index, file._save_data

    def write_index_late(index):
        time.sleep(0.2 if "float64" in index else 0.1)
        write_index(index)

    def write_code_late(name, code):
        time.sleep(0.3 if code == "float32" else 0.0)
        write_code(name, code)

    monkeypatch.setattr(file, "_save_index", write_index_late)
    monkeypatch.setattr(file, "_save_data", write_code_late)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(file.save, ["float32", "float64"], ["float32", "float64"]))
    assert {key: file.load(key) for key in ("float32", "float64")} == {
        "float32": "float32",
        "float64": "float64",
    }
