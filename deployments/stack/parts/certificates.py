"""A throwaway certificate authority and one certificate for this machine, by openssl."""

import subprocess
from pathlib import Path

from deployments.stack.programs import program
from deployments.supervision.unit import HOST

DAYS = "365"


def make_certificates(directory: Path) -> None:
    """Write ca.pem, server.pem and server.key, unless they are there. The authority's key is not kept."""
    if (directory / "server.pem").exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    authority_key, request = directory / "ca.key", directory / "server.csr"
    names = directory / "names"
    names.write_text(f"subjectAltName=IP:{HOST},DNS:localhost\nextendedKeyUsage=serverAuth\n")
    for key in (authority_key, directory / "server.key"):
        _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key))
        key.chmod(0o600)
    _openssl(
        *("req", "-x509", "-new", "-key", str(authority_key), "-subj", "/CN=grasp stack, a throwaway"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        *("-days", DAYS, "-out", str(directory / "ca.pem")),
    )
    _openssl(
        *("req", "-new", "-key", str(directory / "server.key"), "-subj", f"/CN={HOST}", "-out", str(request))
    )
    _openssl(
        *(
            "x509",
            "-req",
            "-in",
            str(request),
            "-CA",
            str(directory / "ca.pem"),
            "-CAkey",
            str(authority_key),
        ),
        *("-CAcreateserial", "-days", DAYS, "-extfile", str(names), "-out", str(directory / "server.pem")),
    )
    for leftover in (authority_key, request, names):
        leftover.unlink()


def _openssl(*arguments: str) -> None:
    subprocess.run([program("openssl"), *arguments], check=True, capture_output=True)
