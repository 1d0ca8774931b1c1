"""The folder that is the root of every environment: what the interpreter needs of this machine, and nothing else."""

import shutil
from pathlib import Path

from lab.engine.runtime.namespaces import GID, UID
from lab.engine.sandbox.first_process import DEVICES
from lab.engine.sandbox.isolation import INTERPRETER_FOLDER, INTERPRETER_PARTS

USER = "sbx_user1051"
# Programs and libraries, which are the same for all users of a machine. /nix/store: NixOS
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
# Links to programs, and the certificates of authorities (not the machine's own, which lie beside them)
SETTINGS = ("/etc/alternatives", "/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted")
COPIED = (
    *("ld.so.cache", "ld.so.conf", "ssl/openssl.cnf", "pki/tls/openssl.cnf"),
    *("hosts", "host.conf", "gai.conf", "resolv.conf", "services", "protocols", "mime.types"),
)
OWN = {
    "passwd": f"root:x:0:0:root:/root:/sbin/nologin\n{USER}:x:{UID}:{GID}::/home/{USER}:/sbin/nologin\n",
    "group": "root:x:0:\n",  # no name for the group, as on Lambda
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
LINKS = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
INTERPRETER = tuple(f"{INTERPRETER_FOLDER}/{name}".lstrip("/") for name in INTERPRETER_PARTS)
MOUNTED = ("proc", "tmp", "opt", "var/task", "var/runtime", *INTERPRETER)


def make_root(root: Path) -> dict[str, str]:
    """Fill the folder ``root``; returns what is bound over it: path inside -> path on this machine.

    Like Lambda, it has no ``/dev/shm``. Source: "Parallel Processing in Python with AWS Lambda", AWS Compute Blog.
    """
    for name in (*MOUNTED, "dev", "etc", "run"):
        (root / name).mkdir(parents=True)
    for name in DEVICES:
        (root / "dev" / name).touch()
    for name, descriptor in LINKS.items():
        (root / "dev" / name).symlink_to(f"/proc/self/fd{descriptor}")
    for name, text in OWN.items():
        (root / "etc" / name).write_text(text)
    for name in COPIED:
        _copy(Path("/etc", name), root / "etc" / name)
    places = {}
    for place in SYSTEM + SETTINGS:
        inside = root / place.lstrip("/")
        if place in SYSTEM and Path(place).is_symlink():
            inside.symlink_to(Path(place).readlink())
        elif Path(place).is_dir():
            inside.mkdir(parents=True, exist_ok=True)
            places[place] = place
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)  # whatever the umask is
    return places


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
