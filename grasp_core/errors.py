"""The one tree of errors. Terminal: the input is bad and a retry changes nothing. Transient: try again."""


class GraspError(Exception):
    """Base of every error that this project raises on purpose."""


class TerminalError(GraspError):
    """The input is bad; a retry gives the same result."""


class TransientError(GraspError):
    """The world was not ready (network, server); a retry may succeed."""


class IncompatibleSource(TerminalError):
    """A source and a target do not fit: names, shapes, dtypes or values of a tensor."""


class BrokenTarget(TerminalError):
    """The target itself holds NaN or infinite values: no source is to blame."""


class NonFiniteLoss(TerminalError):
    """A loss is NaN or infinite, so its gradients say nothing; or a model has come to hold such values."""


class UnknownArchitecture(TerminalError):
    """No architecture is registered under this id."""


class PretrainedUnavailable(TransientError):
    """Pretrained weights are neither in a cache nor to be had over the network."""


class InvalidConfig(TerminalError):
    """A configuration value lies outside its range."""


class InvalidData(TerminalError):
    """Images or labels cannot be used: none there, wrong type, label outside the classes."""


class InvalidSnapshot(TerminalError):
    """A snapshot is absent, or holds other tensors than the module it is loaded into."""
