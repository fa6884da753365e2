# SPDX-License-Identifier: Apache-2.0
"""A real kube-apiserver with etcd, read with the rights of deploy/rbac.yaml, and the kubelet's own PodResources server.

The program is built from Go modules (about eight minutes on two idle cores the first time) and kept in the cache."""

import os
import shutil
import signal
import subprocess
import time

import pytest
import requests
import yaml

from conftest import ROOT, STRATA, Process, cache, free_ports

pytestmark = pytest.mark.peer("kubernetes")
SOURCE = ROOT / "tests" / "peers" / "kubernetes"
VERSION = "1.37.2"
BUILD_LIMIT_S = 3600
ACCOUNTS = {
    "cluster": "system:serviceaccount:strata:strata-cluster",
    "node": "system:serviceaccount:strata:strata-agent",
    "nobody": "somebody",
}
GPU = "GPU-{:08x}-1111-2222-3333-444444444444"


def build():
    program = cache() / f"kube-{VERSION}"
    if not program.exists():
        assert shutil.which("go"), "Kubernetes needs Go 1.26 or newer to build"
        print("building kube-apiserver and etcd from Go modules, eight minutes or more", flush=True)
        flags = "-s -w -X k8s.io/component-base/version.gitVersion=v" + VERSION
        made = subprocess.run(
            ["go", "build", "-trimpath", "-ldflags", flags, "-o", str(program) + ".part", "."],
            cwd=SOURCE,
            timeout=BUILD_LIMIT_S,
            capture_output=True,
            text=True,
            env={**os.environ, "CGO_ENABLED": "0"},
        )
        assert made.returncode == 0, made.stderr[-2000:]
        os.rename(str(program) + ".part", program)
    return program


def openssl(*words, cwd):
    subprocess.run(["openssl", *words], cwd=cwd, check=True, capture_output=True)


class Cluster:
    """etcd and an API server on loopback; objects are made over its REST API as an administrator."""

    def __init__(self, folder):
        self.folder, self.program = folder, build()
        self.etcd_port, self.etcd_peer, self.port = free_ports(3)
        self.url = f"https://127.0.0.1:{self.port}"
        self._certificates()
        tokens = ["admintoken,admin,1,system:masters"]
        tokens += [f"{name}token,{user},{name}" for name, user in ACCOUNTS.items()]
        (folder / "tokens.csv").write_text("\n".join(tokens) + "\n")
        peer = f"http://127.0.0.1:{self.etcd_peer}"
        client = f"http://127.0.0.1:{self.etcd_port}"
        self.etcd_url = client
        self.etcd = Process(
            [self.program, "etcd", "--data-dir", folder / "etcd", "--listen-client-urls", client, "--advertise-client-urls", client,
             "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}", "--unsafe-no-fsync"],
            folder / "etcd.log",
        )  # fmt: skip
        self.session = requests.Session()
        self.session.headers["Authorization"] = "Bearer admintoken"
        self.session.verify = str(folder / "ca.crt")
        self.start()
        for thing in yaml.safe_load_all((ROOT / "deploy" / "rbac.yaml").read_text()):
            self.create(thing)
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml"}})

    def _certificates(self):
        f = self.folder
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "30", "-subj", "/CN=peers", cwd=f)
        for name, subject in (("server", "/CN=kube-apiserver"), ("reader", "/CN=" + ACCOUNTS["cluster"])):
            (f / "ext").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
            openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject, cwd=f)
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-out", f"{name}.crt", "-extfile", "ext", cwd=f)
        openssl("genrsa", "-out", "sa.key", "2048", cwd=f)

    def start(self):
        f = self.folder
        self.api = Process(
            [self.program, "kube-apiserver", f"--etcd-servers={self.etcd_url}", f"--secure-port={self.port}", "--bind-address=127.0.0.1",
             "--advertise-address=127.0.0.1", f"--tls-cert-file={f}/server.crt", f"--tls-private-key-file={f}/server.key", f"--client-ca-file={f}/ca.crt",
             "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-signing-key-file={f}/sa.key", f"--service-account-key-file={f}/sa.key",
             f"--token-auth-file={f}/tokens.csv", "--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16",
             "--endpoint-reconciler-type=none", "--disable-admission-plugins=ServiceAccount"],
            f / "apiserver.log",
        )  # fmt: skip

        def ready():
            try:
                return self.session.get(self.url + "/readyz", timeout=3).status_code == 200
            except requests.RequestException:
                return False

        self.api.wait_until(ready, 180, "kube-apiserver")

    def kill(self):
        os.killpg(self.api.process.pid, signal.SIGKILL)
        self.api.process.wait()

    def compact(self):
        """Forgets the history of all objects, as etcd does every few minutes."""
        header = requests.post(self.etcd_url + "/v3/kv/range", json={"key": "AA=="}, timeout=5).json()["header"]
        requests.post(self.etcd_url + "/v3/kv/compaction", json={"revision": header["revision"]}, timeout=5)

    def path(self, thing):
        group = thing["apiVersion"]
        plural = thing["kind"].lower() + "s"
        space = f"/namespaces/{thing['metadata']['namespace']}" if "namespace" in thing["metadata"] else ""
        return f"{self.url}/{'apis' if '/' in group else 'api'}/{group}{space}/{plural}"

    def create(self, thing):
        answer = self.session.post(self.path(thing), json=thing, timeout=20)
        assert answer.status_code in (201, 409), f"{thing['kind']}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def owned(self, kind, name, owner=None, **more):
        thing = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "ml"}, **more}
        if owner:
            thing["metadata"]["ownerReferences"] = [
                {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"], "controller": True}
            ]  # fmt: skip
        return self.create(thing)

    def pod(self, name, owner=None, node="node-a", gpus=1):
        spec = {"nodeName": node, "containers": [{"name": "main", "image": "x", "resources": {"limits": {"nvidia.com/gpu": str(gpus)}}}]}
        return self.owned("Pod", name, owner, apiVersion="v1", spec=spec)

    def delete(self, kind, name):
        self.session.delete(f"{self.url}/api/v1/namespaces/ml/{kind}/{name}?gracePeriodSeconds=0", timeout=20)

    def kubeconfig(self, who, certificate=False):
        user = {"client-certificate": "reader.crt", "client-key": "reader.key"} if certificate else {"token": who + "token"}
        file = self.folder / f"{who}{'-cert' if certificate else ''}.kubeconfig"
        file.write_text(
            yaml.safe_dump(
                {
                    "clusters": [{"name": "c", "cluster": {"server": self.url, "certificate-authority": "ca.crt"}}],
                    "users": [{"name": "u", "user": user}],
                    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                    "current-context": "x",
                }
            )
        )
        return file

    def stop(self):
        self.api.stop()
        self.etcd.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.stop()


@pytest.fixture
def agent(tmp_path):
    """strata agents that end with the test: agent(strata, kubernetes settings, more flags)."""
    made = []

    def make(strata, kubernetes, *flags):
        config = tmp_path / f"agent-{len(made)}.yaml"
        settings = {"kubelet_socket": str(tmp_path / "none.sock"), **{k: str(v) for k, v in kubernetes.items()}}
        config.write_text(
            yaml.safe_dump(
                {
                    "cluster": "peers",
                    "store": {"path": str(tmp_path / f"agent-{len(made)}")},
                    "discover": {"kubernetes": "auto", "engines": "off"},
                    "kubernetes": settings,
                    "agent": {"interval": "5s"},
                }
            )
        )
        command = [STRATA, "agent", "--config", config, "--to", strata.otlp_http, *flags]
        made.append(Process(command, tmp_path / f"agent-{len(made)}.log"))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def sources(strata):
    layers = strata.get("status")["layers"]
    return {s["name"]: s for layer in layers for s in layer["sources"]}


def entity(strata, kind, name):
    found = strata.sql(f"SELECT attributes FROM entities WHERE type = '{kind}' AND id = '{name}' ORDER BY valid_from DESC LIMIT 1")
    return found[0]["attributes"] if found else {}


def test_pods_owners_and_a_server_that_forgets(cluster, new_strata, agent):
    deployment = cluster.owned("Deployment", "web", spec={"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "main", "image": "x"}]}}})
    replicas = cluster.owned("ReplicaSet", "web-7f", deployment, spec={"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "main", "image": "x"}]}}})
    cluster.pod("web-7f-1", replicas)
    cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-a", "labels": {"topology.kubernetes.io/zone": "z1"}}})
    strata = new_strata()
    agent(strata, {"kubeconfig": cluster.kubeconfig("cluster")}, "--cluster")
    pod = strata.eventually(lambda: (e := entity(strata, "pod", "ml/web-7f-1")).get("k8s.workload.kind") and e, 60, "the pod's entity with its workload")
    assert (pod["k8s.workload.kind"], pod["k8s.workload.name"], pod["k8s.node.name"]) == ("Deployment", "web", "node-a")
    strata.eventually(lambda: entity(strata, "node", "node-a").get("cloud.availability_zone") == "z1", 30, "the node's zone")
    strata.eventually(lambda: sources(strata).get("kubernetes api pods", {}).get("state") == "live", 30, "a live source")
    # The server dies, forgets, and comes back while the agent waits; what is made then is seen.
    cluster.kill()
    strata.eventually(lambda: sources(strata)["kubernetes api pods"]["state"] == "stale", 60, "a stale source")
    cluster.compact()
    cluster.start()
    cluster.delete("pods", "web-7f-1")
    cluster.pod("web-7f-2", replicas)
    strata.eventually(lambda: entity(strata, "pod", "ml/web-7f-2").get("k8s.workload.name") == "web", 90, "the new pod")
    strata.eventually(lambda: sources(strata)["kubernetes api pods"]["state"] == "live", 60, "a live source again")
    # A watch whose version the server has compacted away.
    began = time.monotonic()
    cluster.pod("web-7f-3", replicas)
    strata.eventually(lambda: entity(strata, "pod", "ml/web-7f-3"), 30, "a third pod")
    print(f"a new pod was in the store after {time.monotonic() - began:.1f} s")


def test_rights(cluster, new_strata, agent):
    strata = new_strata()
    agent(strata, {"kubeconfig": cluster.kubeconfig("nobody")}, "--cluster")
    state = strata.eventually(lambda: (s := sources(strata).get("kubernetes api pods", {})).get("state") == "absent" and s, 60, "an absent source")
    assert "not permitted" in state["detail"] and "pods is forbidden" in state["detail"]


def test_a_nodes_agent_sees_its_own_pods(cluster, new_strata, agent):
    cluster.pod("here", node="node-a")
    cluster.pod("elsewhere", node="node-b")
    strata = new_strata()
    agent(strata, {"kubeconfig": cluster.kubeconfig("cluster", certificate=True), "node": "node-a"})
    strata.eventually(lambda: entity(strata, "pod", "ml/here"), 60, "the pod of this node")
    assert not entity(strata, "pod", "ml/elsewhere")
    agent(strata, {"kubeconfig": cluster.kubeconfig("node"), "node": "node-b"})
    strata.eventually(lambda: entity(strata, "pod", "ml/elsewhere"), 60, "the pod of the other node")


def test_the_kubelets_own_server(tmp_path, new_strata, agent):
    socket = tmp_path / "kubelet.sock"
    kubelet = Process([build(), "podresources", socket], tmp_path / "podresources.log")
    try:
        kubelet.wait_until(socket.exists, 30, "the kubelet's server")
        strata = new_strata()
        agent(strata, {"kubelet_socket": socket})
        rows = strata.eventually(
            lambda: (r := strata.sql("SELECT gpu, pod, share_kind FROM holdings WHERE source = 'kubelet' ORDER BY gpu")) and len(r) == 2 and r, 60, "holdings"
        )  # fmt: skip
        assert [(r["gpu"], r["pod"], r["share_kind"]) for r in rows] == [(GPU.format(0), "train-0", "whole"), (GPU.format(1), "train-0", "whole")]
        state = sources(strata)["kubelet"]
        assert state["state"] == "live" and "1 replicas of a device whose number is not known" in state["detail"]
    finally:
        kubelet.stop()
