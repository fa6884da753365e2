# SPDX-License-Identifier: Apache-2.0
"""The ClickHouse HTTP interface with the official Python client, and the SQL that no door lets through."""

import pathlib

import clickhouse_connect
import pytest
import requests
from clickhouse_connect.driver.exceptions import ClickHouseError

import otlp
from program import ROOT

CORPUS = ROOT / "tests" / "golden" / "sql_escapes.txt"

FORBIDDEN = [
    "SELECT 1 INTO OUTFILE '/tmp/strata-escape'",
    "SELECT * FROM samples INTO OUTFILE '/tmp/strata-escape' FORMAT CSV",
    "SELECT file('/etc/hostname')",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1:9000', system.one)",
    "SELECT * FROM s3('http://127.0.0.1/x', 'CSV')",
    "SELECT * FROM mysql('127.0.0.1:3306', 'd', 't', 'u', 'p')",
    "SELECT * FROM executable('x.sh', 'TSV', 'a String')",
    "SELECT * FROM input('a String')",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM merge('system', '.*')",
    "SELECT * FROM numbers(1) WHERE file('/etc/hostname') != ''",
    "WITH (SELECT file('/etc/hostname')) AS x SELECT x",
    "SELECT 1 UNION ALL SELECT length(file('/etc/hostname'))",
    "SELECT * FROM (SELECT * FROM (SELECT file('/etc/hostname')))",
    "SELECT 1 IN (SELECT length(file('/etc/hostname')))",
    "EXPLAIN SELECT file('/etc/hostname')",
    "SELECT /* x */ FiLe('/etc/hostname')",
    "SELECT `file`('/etc/hostname')",
    "SELECT dictGet('d', 'a', 1)",
    "SELECT joinGet('t', 'a', 1)",
    "SELECT sleep(3)",
    "SELECT sleepEachRow(1) FROM measurements",
    "SELECT * FROM system.processes",
    "SELECT * FROM system.users",
    "SELECT * FROM system.query_log",
    "SELECT * FROM system.merge_tree_settings",
    "SELECT * FROM information_schema.tables",
    "KILL QUERY WHERE 1",
    "KILL MUTATION WHERE 1",
    "DROP TABLE samples",
    "DROP DATABASE default",
    "TRUNCATE TABLE samples",
    "DELETE FROM samples WHERE 1",
    "ALTER TABLE samples DELETE WHERE 1",
    "INSERT INTO samples SELECT 1, now64(9), now64(9), 1, now()",
    "CREATE TABLE t (a Int) ENGINE = Memory",
    "CREATE FUNCTION f AS (x) -> x",
    "ATTACH TABLE t",
    "DETACH TABLE samples",
    "RENAME TABLE samples TO s",
    "EXCHANGE TABLES samples AND series",
    "OPTIMIZE TABLE samples FINAL",
    "SYSTEM SHUTDOWN",
    "SYSTEM FLUSH LOGS",
    "SET max_memory_usage = 0",
    "USE system",
    "GRANT ALL ON *.* TO x",
    "BACKUP TABLE samples TO File('/tmp/strata-backup')",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE samples",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS max_memory_usage = 0",
    "not sql",
]


def golden(part):
    """Statements of one kind from the golden corpus: parted by empty lines, `# refused…` and `# allowed…` begin parts."""
    out, now = [], None
    for block in CORPUS.read_text().split("\n\n"):
        lines = block.strip("\n").splitlines()
        while lines and lines[0].startswith("# "):
            word = lines.pop(0)[2:].split(":")[0].strip()
            now = word if word in ("refused", "allowed") else now
        if lines and now == part:
            out.append("\n".join(lines))
    return out


def corpus():
    return FORBIDDEN + golden("refused")


@pytest.fixture(scope="module")
def client(strata):
    made = clickhouse_connect.get_client(host="127.0.0.1", port=strata.ports["api"], proxy_path="clickhouse")
    yield made
    made.close()


@pytest.fixture(scope="module")
def signal(strata):
    name, start = otlp.unique("ch"), otlp.now_ns()
    points = [otlp.point(float(i), start - i * 10**9, {"i": str(i)}) for i in range(10)]
    assert otlp.post(strata, otlp.metrics(otlp.gauge(name, *points))).status_code == 200
    strata.rows(f"SELECT value FROM measurements WHERE signal = '{name}'", 10)
    return name


def test_client_and_version(client):
    assert client.command("SELECT 1") == 1
    assert client.server_version.count(".") >= 2


def test_native_query_with_parameters(client, signal):
    answer = client.query(
        "SELECT ts, value, attributes, signal FROM measurements WHERE signal = {name:String} AND value < {limit:Float64} ORDER BY value",
        parameters={"name": signal, "limit": 5.0},
    )
    assert [r[1] for r in answer.result_rows] == [0, 1, 2, 3, 4]
    assert answer.column_names == ("ts", "value", "attributes", "signal")
    assert answer.result_rows[3][2]["i"] == "3" and answer.result_rows[0][0].year > 2000


def test_client_side_substitution(client, signal):
    answer = client.query("SELECT sum(value) FROM measurements WHERE signal = %(name)s", parameters={"name": signal})
    assert answer.result_rows == [(45,)]


def test_types_survive(client):
    answer = client.query("SELECT toUInt64(18446744073709551615) AS u, NULL AS n, [1, 2] AS a, map('k', 'v') AS m, toDecimal128('1.5', 12) AS d")
    u, n, a, m, d = answer.result_rows[0]
    assert (u, n, list(a), m, float(d)) == (18446744073709551615, None, [1, 2], {"k": "v"}, 1.5)


def test_streamed_rows_and_formats(client, strata, signal):
    with client.query_rows_stream(f"SELECT value FROM measurements WHERE signal = '{signal}'") as rows:
        assert sum(r[0] for r in rows) == 45
    raw = client.raw_query(f"SELECT count() FROM measurements WHERE signal = '{signal}'", fmt="TabSeparated")
    assert raw.strip() == b"10"
    answer = requests.get(f"{strata.url}/clickhouse/", params={"query": "SELECT 1 AS x FORMAT JSONEachRow"}, timeout=10)
    assert answer.status_code == 200 and answer.json() == {"x": 1}
    assert requests.get(f"{strata.url}/clickhouse/ping", timeout=10).text == "Ok.\n"


def test_the_client_reads_the_catalogue(client):
    tables = {r[0] for r in client.query("SHOW TABLES").result_rows}
    assert {"measurements", "histograms", "events", "collectives", "calls", "otel_traces", "otel_logs", "requests", "entities",
            "holdings", "gpu_minute", "host_minute", "engine_minute", "job_minute", "comm_minute", "request_minute", "ledger",
            "findings"} <= tables
    columns = {r[0] for r in client.query("DESCRIBE TABLE measurements").result_rows}
    assert {"ts", "layer", "signal", "unit", "kind", "value", "entity_type", "entity", "attributes", "origin", "received"} <= columns
    assert client.query("SELECT count() FROM system.tables WHERE name = 'measurements'").result_rows[0][0] >= 1


def test_client_settings_are_applied_or_ignored(strata, client):
    query = {"query": "SELECT toString(toDateTime(0)) FORMAT TSV"}
    answer = requests.get(f"{strata.url}/clickhouse/", params={**query, "session_timezone": "Asia/Tokyo"}, timeout=10)
    assert (answer.status_code, answer.text) == (200, "1970-01-01 09:00:00\n")
    answer = requests.get(f"{strata.url}/clickhouse/", params={**query, "send_progress_in_http_headers": "1", "wait_end_of_query": "1"}, timeout=10)
    assert answer.status_code == 200
    with pytest.raises(ClickHouseError):
        client.command("DROP TABLE samples")


def test_settings_do_not_widen_what_a_query_may(strata):
    for name, value in (("readonly", "0"), ("max_memory_usage", "0"), ("max_execution_time", "0"), ("allow_ddl", "1"), ("max_result_rows", "0")):
        answer = requests.get(f"{strata.url}/clickhouse/", params={"query": "DROP TABLE samples", name: value}, timeout=10)
        assert 400 <= answer.status_code < 500
        answer = requests.get(f"{strata.url}/clickhouse/", params={"query": "SELECT 1", name: value}, timeout=10)
        assert answer.status_code == 200 or 400 <= answer.status_code < 500


def test_an_insert_is_refused(client):
    with pytest.raises(ClickHouseError):
        client.insert("samples", [[1]], column_names=["series"])


def test_mistakes_are_answered_as_the_server_would(strata, client):
    with pytest.raises(ClickHouseError, match="nosuchcolumn"):
        client.query("SELECT nosuchcolumn FROM measurements")
    answer = strata.session.post(f"{strata.url}/api/v1/sql", data="SELECT nosuchcolumn FROM measurements", timeout=30)
    assert answer.status_code == 400 and "nosuchcolumn" in answer.json()["error"]["message"]


@pytest.mark.parametrize("door", ["api", "clickhouse", "clickhouse-get"])
def test_forbidden(strata, door):
    """Every statement is refused and nothing of it happens."""
    secret = pathlib.Path("/etc/hostname").read_text().strip() or "\0"
    passed = []
    for sql in corpus():
        if door == "api":
            answer = strata.session.post(f"{strata.url}/api/v1/sql", data=sql.encode(), timeout=30)
        elif door == "clickhouse":
            answer = strata.session.post(f"{strata.url}/clickhouse/", data=sql.encode(), timeout=30)
        else:
            answer = strata.session.get(f"{strata.url}/clickhouse/", params={"query": sql, "readonly": "0"}, timeout=30)
        # 5xx only as the engine's own "memory limit exceeded" on its own interface.
        if not (400 <= answer.status_code < 500 or (answer.status_code == 500 and "MEMORY_LIMIT" in answer.text)):
            passed.append((answer.status_code, sql, answer.text[:200]))
        elif door == "api":
            assert answer.json()["error"]["message"], sql
        if len(secret) > 3:
            assert secret not in answer.text, sql
    assert not passed
    for left in ("/tmp/strata-escape", "/tmp/strata-backup"):
        assert not pathlib.Path(left).exists()
    assert strata.one("SELECT 1 AS one") == 1


def test_forbidden_on_the_command_line(strata):
    for sql in corpus()[:20:2] + corpus()[-3:]:
        done = strata.run("sql", sql)
        assert done.returncode == 1 and done.stdout == "" and done.stderr.startswith("strata: "), sql


def test_honest_queries_of_the_corpus_are_answered(strata):
    queries = golden("allowed")
    assert len(queries) > 10
    for sql in queries:
        answer = strata.session.post(f"{strata.url}/clickhouse/", data=sql.encode(), timeout=30)
        assert answer.status_code == 200, f"{sql}: {answer.text[:300]}"


def test_parameters_do_not_escape(strata):
    """What a parameter holds is a value, never SQL."""
    answer = strata.session.get(
        f"{strata.url}/clickhouse/",
        params={"query": "SELECT {x:String} AS x FORMAT JSONEachRow", "param_x": "'; DROP TABLE samples --"},
        timeout=10,
    )
    assert answer.status_code == 200 and answer.json()["x"] == "'; DROP TABLE samples --"
    answer = strata.session.get(
        f"{strata.url}/clickhouse/", params={"query": "SELECT * FROM {t:Identifier}", "param_t": "system.users"}, timeout=10
    )
    assert 400 <= answer.status_code < 500
    answer = strata.session.get(f"{strata.url}/clickhouse/", params={"query": "SELECT count() FROM users", "database": "system"}, timeout=10)
    assert 400 <= answer.status_code < 500


def test_caps_hold(strata):
    """A query without end is stopped, and the server goes on."""
    answer = strata.session.post(
        f"{strata.url}/api/v1/sql", data="SELECT count() FROM numbers(1000000000) AS a, numbers(1000000000) AS b", timeout=130
    )
    assert 400 <= answer.status_code < 600
    assert strata.one("SELECT 1 AS one") == 1
