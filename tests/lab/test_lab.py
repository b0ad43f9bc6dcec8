"""`wsops lab`: JupyterLab on loopback, behind a token, without a word to the outside."""

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest
import trustme

from wsops.cli.lab import _own_environment
from wsops.errors import SettingsError, WsopsError
from wsops.lab import Opening, _url, checked, chosen_token
from wsops.simulated import simulator

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 30


def descendants(pid):
    """Give the processes below a process, as the kernel lists them."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += [int(child), *descendants(child)]
    return found


def running(pid):
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def none_runs(pids):
    end = time.monotonic() + WITHIN
    while any(map(running, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(running, pids))


def asked(address, *, method="GET", token="", context=None):
    request = urllib.request.Request(address, method=method)
    if token:
        request.add_header("Authorization", f"token {token}")
    handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
    with urllib.request.build_opener(*handlers).open(request, timeout=WITHIN) as answer:
        return json.load(answer)


def refusal(address, method="GET"):
    """Give the status and the headers with which a request without a token is refused."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        asked(address, method=method)
    with refused.value as answer:
        return answer.code, answer.headers


def test_a_cell_runs_and_sees_the_simulator(notebook, lab, seen):
    """The kernels of --simulate know the simulator, and not the token of the server."""
    source = "import os; print(os.environ['WSOPS_ENDPOINT'], 'JUPYTER_TOKEN' in os.environ)"
    opened = notebook(cells=[source, "1 + 1"])
    opened.run_all()

    assert opened.output(0) == f"{lab.simulator['endpoint']} False"
    assert opened.output(1) == opened.run_cell(1) == "2"
    assert seen.errors == []


def test_the_commands_work_in_a_kernel(notebook):
    """A notebook reaches the simulated fleet with no setting of its own."""
    opened = notebook(cells=["from wsops import connect\nws = connect()\nlen(ws.pools().rows)"])

    assert opened.run_cell(0) == "24"


def test_the_address_that_is_printed_opens_without_a_question(page, lab):
    """JupyterLab shows itself: no log-in, no news, no prompt, nothing from elsewhere."""
    page.goto(lab.url)
    page.locator(".jp-Launcher, .jp-Notebook").first.wait_for()
    config = json.loads(page.locator("#jupyter-config-data").text_content())

    assert config["news"] == {"disabled": True}
    assert "@jupyterlab/apputils-extension:announcements" in config["disabledExtensions"]
    assert config["extensionManager"]["can_install"] is False
    assert page.locator(".jp-Dialog, .Toastify__toast").count() == 0


def test_what_is_not_trusted_cannot_run_commands(notebook, page):
    """Text with a command of JupyterLab in it loses the command."""
    button = '<button data-commandlinker-command="filebrowser:delete">x</button>'
    notebook(cells=[nbformat.v4.new_markdown_cell(button), "1"])
    lure = page.locator(".jp-MarkdownOutput button")

    assert lure.inner_text() == "x"
    assert lure.get_attribute("data-commandlinker-command") is None


def test_the_token_is_in_no_command_line(notebook, lab):
    """`ps` shows it nowhere: not at the server, not at a kernel, not at the simulator."""
    notebook(cells=["1"])
    shown = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in descendants(lab.parent)]

    assert len(shown) >= 3
    assert not any(lab.token.encode() in line for line in shown)


def test_without_the_token_nothing_is_given(lab):
    """Neither the files nor a kernel."""
    codes = [refusal(f"{lab.base}/api/kernels", method)[0] for method in ("GET", "POST")]

    assert codes == [403, 403]


def test_a_configuration_of_ones_own_cannot_open_it(start_lab, tmp_path):
    """Address, token and origins are ours, whatever a file in ~/.jupyter says."""
    own = {
        "ServerApp": {"ip": "0.0.0.0", "allow_origin": "*", "port": 1},
        "IdentityProvider": {"token": ""},
    }
    for name in ("jupyter_config", "jupyter_server_config", "jupyter_lab_config"):
        (tmp_path / f"{name}.json").write_text(json.dumps(own))
    process = start_lab(tmp_path, JUPYTER_CONFIG_DIR=str(tmp_path))
    facts = json.loads(process.stdout.readline())
    code, headers = refusal(f"http://127.0.0.1:{facts['port']}/api/kernels")

    assert facts["url"].startswith("http://127.0.0.1:")
    assert (code, headers["Access-Control-Allow-Origin"]) == (403, None)


@pytest.mark.parametrize(
    ("sign", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 0), (signal.SIGKILL, -9)]
)
def test_nothing_is_left_behind(start_lab, tmp_path, sign, code):
    """However it ends, its server, its kernels and its simulator end as well."""
    process = start_lab("--simulate", tmp_path)
    facts = json.loads(process.stdout.readline())
    base = f"http://127.0.0.1:{facts['port']}"
    asked(f"{base}/api/kernels", method="POST", token=facts["token"])
    below = descendants(process.pid)
    process.send_signal(sign)
    process.wait(WITHIN)

    assert facts["pid"] in below
    assert len(below) >= 3
    assert process.returncode == code
    assert none_runs(below)
    assert sign == signal.SIGKILL or list((tmp_path / "private").iterdir()) == []


def test_it_ends_when_the_server_is_shut_down(start_lab, tmp_path):
    """File, Shut Down in the browser is a good end."""
    process = start_lab(tmp_path)
    facts = json.loads(process.stdout.readline())
    request = urllib.request.Request(
        f"http://127.0.0.1:{facts['port']}/api/shutdown",
        method="POST",
        headers={"Authorization": f"token {facts['token']}"},
    )
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()
    _, errors = process.communicate(timeout=WITHIN)

    assert (process.returncode, errors) == (0, "")


def test_with_a_certificate_it_speaks_tls(start_lab, tmp_path):
    """--certfile and --keyfile make it https, with the same token."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    files = {"--certfile": tmp_path / "cert.pem", "--keyfile": tmp_path / "key.pem"}
    certificate.cert_chain_pems[0].write_to_path(files["--certfile"])
    certificate.private_key_pem.write_to_path(files["--keyfile"])
    options = [part for pair in files.items() for part in pair]
    facts = json.loads(start_lab(*options, tmp_path).stdout.readline())
    context = ssl.create_default_context()
    authority.configure_trust(context)
    base = f"https://127.0.0.1:{facts['port']}"

    assert facts["url"].startswith(base)
    assert asked(f"{base}/api/kernels", token=facts["token"], context=context) == []


def test_a_port_that_is_taken_is_said(start_lab, tmp_path):
    """It takes no other one in silence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        out, _ = start_lab("--port", port, tmp_path).communicate(timeout=WITHIN)

    assert f"port {port} is not available" in json.loads(out)["error"]["message"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--ip", "0.0.0.0", "."], "that needs TLS"),
        (["--simulate", "--profile", "prod", "."], "give one of them"),
        (["--certfile", sys.executable, "."], "belong together"),
        (["--certfile", "missing.pem", "--keyfile", "missing.pem", "."], "missing.pem"),
        (["--profile", "nowhere", "."], "'nowhere' is not in wsops.toml"),
        (["missing"], "is not a folder"),
        (["--profile", "prod", "missing"], "is not a folder"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(start_lab, options, says):
    """One sentence, and nothing was started."""
    process = start_lab(*options)
    out, errors = process.communicate(timeout=WITHIN)

    assert process.returncode in {1, 2}
    assert says in out + errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("ip", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_others_are_not_let_in_without_tls(ip):
    """An address that is not loopback, or is none, is refused."""
    with pytest.raises(SettingsError) as refused:
        checked(Opening(Path(), ip=ip))

    assert "127.0.0.1" in refused.value.remedy


@pytest.mark.parametrize("ip", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_certificate(ip):
    """Every address of loopback will do, and is in the URL as a browser wants it."""
    url = _url(checked(Opening(Path(), ip=ip)), 8888, "t")

    assert url.startswith(("http://127.", "http://[::1]:8888/"))


def test_with_tls_it_may_listen_everywhere():
    """The URL then names the machine, since 0.0.0.0 is no place to go to."""
    here = checked(Opening(Path(), "0.0.0.0", 0, Path("cert.pem"), Path("key.pem")))

    assert _url(here, 1, "t") == f"https://{socket.gethostname()}:1/lab?token=t"


def test_an_empty_token_is_refused(monkeypatch):
    """Jupyter takes it for: no token at all."""
    monkeypatch.setenv("JUPYTER_TOKEN", " ")
    with pytest.raises(SettingsError, match="empty"):
        chosen_token()


def test_the_token_is_random_or_the_one_given(monkeypatch):
    """JUPYTER_TOKEN is honoured; without it each start has its own, of 32 bytes."""
    first, second = chosen_token(), chosen_token()
    monkeypatch.setenv("JUPYTER_TOKEN", "chosen")

    assert first != second
    assert len(first) >= 43
    assert chosen_token() == "chosen"


def test_a_profile_is_handed_to_the_kernels(tmp_path):
    """It is looked up where the kernels will look it up: in the notebooks' folder too."""
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "wsops.toml").write_text('[profiles.prod]\nregion = "ap-southeast-3"\n')

    assert _own_environment(tmp_path / "books", "prod")["WSOPS_PROFILE"] == "prod"


def test_a_simulator_that_cannot_start_is_said():
    """Its own complaint is in the message."""
    with (
        pytest.raises(WsopsError, match=r"did not start: [\s\S]*--speed"),
        simulator("--speed", "0"),
    ):
        pass


def test_binder_starts_on_the_simulator(tmp_path):
    """What Binder runs sees a simulated fleet, and its exit code is passed on."""
    source = "import os, sys; print(os.environ['WSOPS_ENDPOINT']); sys.exit(3)"
    done = subprocess.run(
        [sys.executable, ROOT / ".binder" / "start", sys.executable, "-c", source],
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN,
    )

    assert done.stdout.startswith("http://127.0.0.1:")
    assert (done.returncode, done.stderr) == (3, "")
