"""The patterns of names and keys, and what each lets through, in words: nobody is shown an expression."""

NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
ARCHITECTURE = r"^[a-z0-9][a-z0-9_-]{0,62}/[a-z0-9][a-z0-9_-]{0,62}$"
SHA256 = r"^[0-9a-f]{64}$"
FILE_NAME = r"^[a-z0-9][a-z0-9._-]{0,126}$"
DATASET_KEY = r"^datasets/[a-z0-9][a-z0-9_-]{0,62}/[0-9a-f]{64}/dataset\.json$"
BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
BITS = r"^[01]+$"
ADDRESS = r"^https?://\S+$"

_CHARACTERS = "of a-z, 0-9, _ and -, the first a letter or digit, at most 63"
WORDS = {
    NAME: f"a name {_CHARACTERS}",
    ARCHITECTURE: "family/name such as torchvision/resnet50, both of a-z, 0-9, _ and -",
    SHA256: "a SHA-256 of 64 characters 0-9 and a-f",
    FILE_NAME: "a file name of a-z, 0-9, ., _ and -, the first a letter or digit, at most 127",
    DATASET_KEY: "the key that `grasp dataset publish` prints: datasets/<name>/<SHA-256>/dataset.json",
    BUCKET: "a bucket's name: 3 to 63 of a-z, 0-9, . and -, a letter or digit at both ends",
    BITS: "a text of 0 and 1",
    ADDRESS: "an address that begins with http:// or https://, without spaces",
}


def need(pattern: str, found: str) -> str:
    """Say what a text that does not match needs to be, and how to mend it where that is known."""
    words = WORDS.get(pattern, "another form")
    cure = _architecture_cure(found) if pattern == ARCHITECTURE else _name_cure(found, pattern)
    return f"{words}{f'; {cure}' if cure else ''}"


def _architecture_cure(found: str) -> str:
    family, slash, name = found.partition("/")
    if not slash:
        return ""
    plain, _, tag = name.partition(".")
    mended = f"{family}/{plain}".lower()
    said = [f"leave the tag .{tag} off"] * bool(tag) + ["write it in lower case"] * (found != found.lower())
    return f"{' and '.join(said)}: {mended}" if said else ""


def _name_cure(found: str, pattern: str) -> str:
    lower = pattern in (NAME, BUCKET, SHA256) and found != found.lower()
    return "write it in lower case" if lower else ""
