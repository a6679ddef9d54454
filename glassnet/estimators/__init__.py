"""Networks behind scikit-learn's interface.

    from glassnet.estimators import MLPClassifier      # instead of sklearn.neural_network's

`MLPClassifier` and `MLPRegressor` take all arguments of scikit-learn's classes of these names, and
more; `NetworkClassifier` and `NetworkRegressor` wrap any `glassnet.Network` or list of layers. They
train by `Network.fit`.
"""

from glassnet.estimators.mlp import MLPClassifier, MLPRegressor
from glassnet.estimators.wrapped import NetworkClassifier, NetworkRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "NetworkClassifier", "NetworkRegressor"]
