# SPDX-License-Identifier: Apache-2.0
"""Who is let in: hosts, origins, users, tokens, TLS, and where the server refuses to listen at all."""

import os
import shutil
import subprocess

import pytest
import requests

import otlp
from program import STRATA, CLEAN, run

TOKENS = "# token scope name\nread-token-0123456789 read reader\nwrite-token-0123456789 write writer\nagent-token-0123456789 agent node\n"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def doors(strata):
    return [
        ("GET", f"{strata.url}/api/v1/status", None),
        ("POST", f"{strata.url}/api/v1/sql", b"SELECT 1"),
        ("GET", f"{strata.url}/clickhouse/?query=SELECT+1", None),
        ("POST", f"{strata.url}/api/v1/write", b""),
        ("POST", f"{strata.otlp}/v1/metrics", b""),
        ("GET", f"{strata.url}/metrics", None),
        ("GET", f"{strata.url}/", None),
    ]


def ask(door, **headers):
    method, url, body = door
    head = {"Content-Type": "application/x-protobuf"} if "/v1/metrics" in url or "write" in url else {}
    return requests.request(method, url, data=body, headers={**head, **headers}, timeout=30)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4319", "169.254.169.254", "127.0.0.1.evil.example", "localhost.evil.example"])
def test_foreign_host(doors, host):
    for door in doors:
        assert ask(door, Host=host).status_code == 403, door[1]


def test_own_names_are_fine(strata, doors):
    for host in (f"localhost:{strata.ports['api']}", "127.0.0.1", "[::1]:4319"):
        assert ask(doors[0], Host=host).status_code == 200, host


def test_cross_site(strata, doors):
    for door in doors:
        assert ask(door, Origin="http://evil.example").status_code == 403, door[1]
        assert ask(door, Origin="null").status_code == 403, door[1]
        assert ask(door, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403, door[1]
    # The same port number on another host, another port on the same host.
    assert ask(doors[0], Origin=f"http://evil.example:{strata.ports['api']}").status_code == 403
    assert ask(doors[1], Origin="http://127.0.0.1:1").status_code == 403
    same = f"127.0.0.1:{strata.ports['api']}"
    assert ask(doors[0], Origin=f"http://{same}", Host=same).status_code == 200
    assert ask(doors[0], **{"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_refusals_speak_the_door_s_language(strata):
    answer = requests.get(f"{strata.url}/api/v1/status", headers={"Host": "evil.example"}, timeout=10)
    assert answer.json()["error"]["code"] and "evil.example" in answer.json()["error"]["message"]
    answer = otlp.post(strata, otlp.one("x"), headers={"Host": "evil.example"})
    assert answer.json()["code"] == 7


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_beyond_loopback_needs_tls_and_tokens(tmp_path, address):
    for command in ("server", "up"):
        done = run(command, "--listen", address, "--data", tmp_path / "data", timeout=30)
        assert done.returncode == 1 and done.stdout == ""
        for word in (address, "tls.cert", "auth.tokens_file", "--insecure"):
            assert word in done.stderr, done.stderr


def test_tokens_alone_are_not_enough_beyond_loopback(tmp_path):
    (tmp_path / "tokens").write_text(TOKENS)
    (tmp_path / "strata.yaml").write_text(f"auth: {{tokens_file: {tmp_path}/tokens}}\nlisten: 0.0.0.0\n")
    done = run("server", "--config", tmp_path / "strata.yaml", "--data", tmp_path / "data", timeout=30)
    assert done.returncode == 1 and "tls" in done.stderr


def test_insecure_spelled_out(start_strata):
    strata = start_strata({"listen": "0.0.0.0"}, args=["--insecure"])
    assert strata.status()["version"]


@pytest.mark.parametrize("line,what", [("tooshort-4711 read x", "16 characters"), ("token-0123456789abc boss x", "scope")])
def test_bad_tokens_file(tmp_path, line, what):
    (tmp_path / "tokens").write_text("# fine\n" + line + "\n")
    (tmp_path / "strata.yaml").write_text(f"auth: {{tokens_file: {tmp_path}/tokens}}\n")
    done = run("server", "--config", tmp_path / "strata.yaml", "--data", tmp_path / "data", timeout=30)
    assert done.returncode == 1 and "tokens:2" in done.stderr and what in done.stderr
    assert line.split()[0] not in done.stderr, "a token is a secret"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    from program import Strata

    folder = tmp_path_factory.mktemp("guarded")
    (folder / "tokens").write_text(TOKENS)
    made = Strata(folder, config={"auth": {"tokens_file": str(folder / "tokens")}}).start()
    yield made
    made.stop()


def test_scopes(guarded):
    def read(token):
        return requests.get(f"{guarded.url}/api/v1/status", headers=bearer(token), timeout=10).status_code

    def write(token):
        return otlp.post(guarded, otlp.one(otlp.unique("scope")), headers=bearer(token)).status_code

    def remote(token):
        body = otlp.write1([({"__name__": "scope"}, [(1, otlp.now_ns() // 10**6)])])
        return otlp.remote_write(guarded, body, headers=bearer(token)).status_code

    assert [read(t) for t in ("read-token-0123456789", "write-token-0123456789", "agent-token-0123456789")] == [200] * 3
    assert write("read-token-0123456789") == 403 and remote("read-token-0123456789") == 403
    assert write("write-token-0123456789") == 200 and remote("write-token-0123456789") in (200, 204)
    assert write("agent-token-0123456789") == 200
    assert read("unknown-token-123456789") == 403 and write("unknown-token-123456789") == 403


def test_clickhouse_clients_use_their_password(guarded):
    ask = {"params": {"query": "SELECT 1"}, "timeout": 10}
    url = f"{guarded.url}/clickhouse/"
    assert requests.get(url, auth=("any", "read-token-0123456789"), **ask).text == "1\n"
    assert requests.get(url, headers={"X-ClickHouse-Key": "read-token-0123456789"}, **ask).text == "1\n"
    assert requests.get(url, auth=("any", "wrong-token-0123456789"), **ask).status_code in (401, 403)


def test_grpc_tokens(guarded):
    grpc = pytest.importorskip("grpc")
    with grpc.insecure_channel(guarded.grpc) as channel:
        call = channel.unary_unary("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")
        body = otlp.to_protobuf(otlp.one(otlp.unique("grpc")))
        assert call(body, metadata=[("authorization", "Bearer write-token-0123456789")], timeout=10) == b""
        for token in ("read-token-0123456789", "unknown-token-123456789"):
            with pytest.raises(grpc.RpcError) as refused:
                call(body, metadata=[("authorization", f"Bearer {token}")], timeout=10)
            assert refused.value.code() in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
        other = channel.unary_unary("/opentelemetry.proto.collector.metrics.v1.MetricsService/Import")
        with pytest.raises(grpc.RpcError) as refused:
            other(body, timeout=10)
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_the_command_line_uses_the_token(guarded):
    done = guarded.run("status", "--json", "--token", "read-token-0123456789")
    assert done.returncode == 0, done.stderr
    done = guarded.run("status", env={"STRATA_TOKEN": "wrong-token-0123456789"})
    assert done.returncode == 1 and "token" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("curl"), reason="needs root, setpriv and curl")
def test_another_user(guarded):
    def curl(*words):
        done = subprocess.run(
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *words],
            capture_output=True,
            text=True,
            timeout=30,
            cwd="/",
            env=CLEAN,
        )
        return done.stdout

    assert curl(f"{guarded.url}/api/v1/status") == "403"
    assert curl("-d", "SELECT 1", f"{guarded.url}/api/v1/sql") == "403"
    assert curl(f"{guarded.url}/clickhouse/?query=SELECT+1") == "403"
    assert curl("-d", "{}", "-H", "Content-Type: application/json", f"{guarded.otlp}/v1/metrics") == "403"
    assert curl("-H", "Authorization: Bearer read-token-0123456789", f"{guarded.url}/api/v1/status") == "200"


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_tls(start_strata, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    (tmp_path / "tokens").write_text(TOKENS)
    strata = start_strata(
        {"tls": {"cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}, "auth": {"tokens_file": str(tmp_path / "tokens")}, "listen": "0.0.0.0"},
        start=False,
    )
    strata.session.trust_env = False  # REQUESTS_CA_BUNDLE would win
    strata.session.verify = str(tmp_path / "cert.pem")
    strata.session.headers.update(bearer("read-token-0123456789"))
    strata.start()
    assert strata.scheme == "https" and strata.status()["version"]
    with pytest.raises(requests.RequestException):
        requests.get(strata.url.replace("https", "http") + "/api/v1/status", timeout=10).raise_for_status()
    # Beyond loopback the address of the caller no longer counts: no token, no entry.
    outside = next((a for a in own_addresses() if not a.startswith("127.")), None)
    if outside:
        answer = requests.get(f"https://{outside}:{strata.ports['api']}/api/v1/status", verify=False, timeout=10)
        assert answer.status_code == 403 and "token" in answer.json()["error"]["message"]


def own_addresses():
    import socket

    try:
        return socket.gethostbyname_ex(socket.gethostname())[2]
    except OSError:
        return []


def test_no_secret_in_the_process_list(guarded):
    words = open(f"/proc/{guarded.process.pid}/cmdline", "rb").read()
    assert b"token-0123456789" not in words and STRATA.exists()
