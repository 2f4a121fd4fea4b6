"""bin/serve: one command starts everything, Ctrl-C leaves nothing behind, mistakes are named."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.services import ROOT, django_environment, serve, wait_for

pytestmark = pytest.mark.slow


def run(data, *options, **extra):
    """bin/serve that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, ROOT / "bin" / "serve", *options],
        cwd=ROOT,
        env=django_environment(data, **extra),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def processes_of(data):
    """Processes started for a data folder, from their environment."""
    mark = f"HUIYIN_DATA={data}".encode()
    found = []
    for entry in os.scandir("/proc"):
        try:
            with open(f"/proc/{entry.name}/environ", "rb") as environ:
                if mark in environ.read().split(b"\0"):
                    found.append(int(entry.name))
        except (OSError, ValueError):
            continue  # not a process, or one that has just ended
    return found


@pytest.fixture(scope="module")
def site_data(tmp_path_factory):
    """A data folder that has been started once."""
    data = tmp_path_factory.mktemp("serve") / "data"
    with serve(data, "--no-demo"):
        pass
    return data


def test_second_start_answers_within_five_seconds(site_data):
    """Five seconds of a machine that is ours; where more wants to run than can, as much longer."""
    began = time.monotonic()
    with serve(site_data, "--no-demo") as site:
        took = time.monotonic() - began
        assert site.get("/healthz") == (200, "ok")
    assert took < 5 * max(1, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


def test_ctrl_c_ends_web_worker_and_beat(site_data):
    with serve(site_data, "--no-demo") as site:
        worker_log = site_data / "log" / "worker.log"
        wait_for(lambda: "beat: Starting" in worker_log.read_text(), "the beat")
        site.process.send_signal(signal.SIGINT)
        assert site.process.wait(30) == 0
        assert site.printed().endswith("Stopped.\n")
    assert processes_of(site_data) == []


def test_the_data_is_for_this_user_only(site_data):
    assert [path for path in (site_data, *site_data.rglob("*")) if path.stat().st_mode & 0o077] == []


def test_demo_accounts_are_shown_with_their_passwords(site_data):
    accounts = [{"staff_number": "1001", "name": "林若溪", "role": "受理员", "password": "demo-1001"}]
    (site_data / "demo-accounts.json").write_text(json.dumps(accounts), encoding="utf-8")
    with serve(site_data) as site:
        assert "  1001  林若溪  受理员  demo-1001\n" in site.printed()
    (site_data / "demo-accounts.json").unlink()


@pytest.mark.parametrize(("program", "name"), [("gunicorn", "web"), ("celery", "worker")])
def test_a_child_that_dies_ends_the_whole_with_its_last_lines(site_data, program, name):
    with serve(site_data, "--no-demo") as site:
        children = subprocess.run(
            ["ps", "--ppid", str(site.process.pid), "-o", "pid=,args="], capture_output=True, text=True, check=True
        ).stdout
        os.kill(int(re.search(rf"(\d+) .*{program}", children)[1]), signal.SIGKILL)
        assert site.process.wait(30) == 1
        assert f"The {name} process ended by itself (exit code -9). The last lines of" in site.printed()
    wait_for(lambda: processes_of(site_data) == [], "the end of all processes")


def test_killing_it_outright_takes_the_children_along(site_data):
    with serve(site_data, "--no-demo") as site:
        assert len(processes_of(site_data)) > 3
        site.process.kill()
        site.process.wait()
        wait_for(lambda: processes_of(site_data) == [], "the end of all processes")


def test_a_second_one_on_the_same_data_is_refused(site_data):
    with serve(site_data, "--no-demo"):
        second = run(site_data, "--port", "0")
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.startswith(f"Huiyin already runs on {site_data}; stop it first")


def test_a_taken_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run(tmp_path, "--port", str(port))
    assert refused.returncode == 1
    assert refused.stderr == f"Port {port} is already in use; choose another, e.g. --port {port + 1}.\n"


def test_an_old_python_is_told_what_is_missing():
    """The interpreter that starts us may be older than what we run on."""
    code = "import sys; sys.path.insert(0, 'bin'); sys.version_info = (3, 9, 2); import _venv; _venv.require_python()"
    command = [sys.executable, "-B", "-c", code]
    ended = subprocess.run(command, cwd=ROOT, env={"PATH": "/nowhere"}, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Huiyin needs Python 3.11 or newer, and this is ")


def test_production_is_refused(tmp_path):
    refused = run(tmp_path, HUIYIN_ENV="production")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "docs/operations.md" in refused.stderr


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder")
    refused = run(tmp_path / "file", "--port", "0")
    assert refused.returncode == 1
    assert refused.stderr == (
        f"{tmp_path}/file cannot be used for data (File exists); give HUIYIN_DATA a folder this user may write.\n"
    )


@pytest.mark.parametrize("arguments", [["--port", "http"], ["--port", "70000"], ["--demo"]])
def test_wrong_arguments_exit_with_two(tmp_path, arguments):
    assert run(tmp_path, *arguments).returncode == 2


def test_reset_empties_our_data_and_starts_afresh(site_data):
    (site_data / "mail").mkdir(exist_ok=True)
    (site_data / "mail" / "old.log").write_text("old")
    secrets = (site_data / "secrets.json").read_text()
    with serve(site_data, "--no-demo", "--reset"):
        assert not (site_data / "mail" / "old.log").exists()
        assert (site_data / "secrets.json").read_text() != secrets


def test_reset_spares_a_folder_that_is_not_ours(tmp_path):
    (tmp_path / "thesis.txt").write_text("three years of work")
    refused = run(tmp_path, "--port", "0", "--reset", "--yes")
    assert refused.returncode == 1
    assert refused.stderr == f"{tmp_path} holds files, but none of Huiyin's; give HUIYIN_DATA a folder of its own.\n"
    assert (tmp_path / "thesis.txt").read_text() == "three years of work"


def test_reset_leaves_a_database_elsewhere_alone(site_data):
    refused = run(site_data, "--port", "0", "--reset", DATABASE_URL="postgres://huiyin:x@127.0.0.1:1/huiyin")
    assert refused.returncode == 1
    assert (
        refused.stderr
        == "--reset only deletes the built-in database; DATABASE_URL names another. Empty that one yourself.\n"
    )
    assert (site_data / "huiyin.sqlite3").exists()
