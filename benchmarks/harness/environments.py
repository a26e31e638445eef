"""Virtual environments with the peers, in the cache; each is made once for its pinned requirements."""

import hashlib
import shutil
import subprocess
import sys

from . import places, progress


def requirements_digest(name):
    return hashlib.sha256((places.PEERS / name / "requirements.txt").read_bytes()).hexdigest()[:12]


def python(name):
    """The Python of the environment of `peers/NAME`."""
    folder = places.CACHE / "environments" / f"{name}-{requirements_digest(name)}"
    done = folder / "installed"
    if not done.exists():
        progress.tell(f"installing the peers of {name}")
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.check_call([sys.executable, "-m", "venv", folder])
        pip = [folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        installed = subprocess.run([*pip, "--requirement", places.PEERS / name / "requirements.txt"],
                                   capture_output=True, text=True)
        if installed.returncode != 0:
            raise RuntimeError(f"pip cannot install {name}: {installed.stderr.strip()[-1500:]}")
        done.touch()
    return str(folder / "bin/python")
