# ruff: noqa: T201, S603, S606
"""The virtual environment of this checkout: made once, brought up to date when its lock file changes.

Standard library only, and no syntax newer than Python 3.6: an older one must get as far as being told so.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
OLDEST = (3, 11)


def die(message):
    """Say what is wrong and how to mend it, and end with 1."""
    sys.stdout.flush()
    sys.stderr.write(message.rstrip() + "\n")
    sys.exit(1)


def require_python():
    """Go on under a Python that is new enough, or end naming what to install."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(14, OLDEST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, *sys.argv])
    die(
        f"Huiyin needs Python 3.{OLDEST[1]} or newer, and this is {sys.version.split()[0]}. Install it and start again."
    )


def ensure(wanted, *contained):
    """Install what the lock file `wanted` pins and return the environment's Python.

    `contained` are lock files that `wanted` includes. Nothing happens while the files are
    unchanged since the last time; an installation that was cut short is repeated.
    """
    os.makedirs(VENV, exist_ok=True)
    with open(os.path.join(VENV, ".huiyin-lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two first starts at once, one waits
        if os.path.exists(PYTHON) and _stamped(wanted):
            return PYTHON
        if not _has_pip():
            print("Making the Python environment in .venv …", flush=True)
            if subprocess.call([sys.executable, "-m", "venv", "--clear", VENV]):
                die("The environment could not be made. On Debian: apt-get install python3-venv")
        print(f"Installing {wanted} (a minute or two the first time) …", flush=True)
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check", "--no-input"]
        if subprocess.call([*pip, "--require-hashes", "-r", os.path.join(ROOT, wanted)], cwd=ROOT):
            die(f"The packages of {wanted} could not be installed; the reason stands above.")
        for name in (wanted, *contained):
            with open(_stamp(name), "w", encoding="utf-8") as stamp:
                stamp.write(digest(name))
    return PYTHON


def digest(name):
    """SHA-256 of a file of the checkout."""
    with open(os.path.join(ROOT, name), "rb") as content:
        return hashlib.sha256(content.read()).hexdigest()


def _stamp(name):
    return os.path.join(VENV, ".installed-" + name)


def _stamped(name):
    if not os.path.exists(_stamp(name)):
        return False
    with open(_stamp(name), encoding="utf-8") as stamp:
        return stamp.read() == digest(name)


def _has_pip():
    """Whether .venv holds a working Python with pip; half-made or moved ones do not."""
    if not os.path.exists(PYTHON):
        return False
    return subprocess.call([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL) == 0
