// SPDX-License-Identifier: Apache-2.0
//
// The real servers of Kubernetes that strata reads, in one program:
//
//	kube etcd FLAG…             etcd
//	kube kube-apiserver FLAG…   the API server
//	kube podresources SOCKET    the kubelet's own PodResources v1 server over a fixed set of pods
package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"google.golang.org/grpc"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-base/cli"
	"k8s.io/klog/v2"
	pr "k8s.io/kubelet/pkg/apis/podresources/v1"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/pkg/kubelet/apis/podresources"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: kube etcd|kube-apiserver|podresources …")
		os.Exit(2)
	}
	switch os.Args[1] {
	case "etcd":
		etcdmain.Main(os.Args[1:])
	case "kube-apiserver":
		os.Args = os.Args[1:]
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "podresources":
		if err := servePodResources(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// What the kubelet's managers would answer: each pod carries its devices as JSON in an annotation.
type fixed struct{ pods []*v1.Pod }

func (f fixed) GetPods() []*v1.Pod       { return f.pods }
func (f fixed) GetActivePods() []*v1.Pod { return f.pods }
func (f fixed) GetPodByName(ns, name string) (*v1.Pod, bool) {
	for _, p := range f.pods {
		if p.Namespace == ns && p.Name == name {
			return p, true
		}
	}
	return nil, false
}
func (f fixed) UpdateAllocatedDevices(klog.Logger) {}
func (f fixed) GetDevices(uid, _ string) []*pr.ContainerDevices {
	for _, p := range f.pods {
		if string(p.UID) != uid {
			continue
		}
		var out []*pr.ContainerDevices
		for _, id := range p.Annotations {
			out = append(out, &pr.ContainerDevices{ResourceName: "nvidia.com/gpu", DeviceIds: []string{id}})
		}
		return out
	}
	return nil
}
func (f fixed) GetAllocatableDevices(klog.Logger) []*pr.ContainerDevices {
	return []*pr.ContainerDevices{{ResourceName: "nvidia.com/gpu", DeviceIds: []string{gpu(0), gpu(1), gpu(2), gpu(3)}}}
}
func (f fixed) GetCPUs(*v1.Pod, *v1.Container) []int64 { return []int64{1, 2} }
func (f fixed) GetPodCPUs(string) []int64              { return nil }
func (f fixed) GetAllocatableCPUs() []int64            { return []int64{0, 1, 2, 3} }
func (f fixed) GetMemory(klog.Logger, *v1.Pod, *v1.Container) []*pr.ContainerMemory {
	return nil
}
func (f fixed) GetPodMemory(klog.Logger, string) []*pr.ContainerMemory { return nil }
func (f fixed) GetAllocatableMemory(klog.Logger) []*pr.ContainerMemory { return nil }
func (f fixed) GetDynamicResources(klog.Logger, *v1.Pod, *v1.Container) []*pr.DynamicResource {
	return nil
}

func gpu(n int) string { return fmt.Sprintf("GPU-%08x-1111-2222-3333-444444444444", n) }

func pod(name string, gpus ...string) *v1.Pod {
	p := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ml", UID: types.UID(name), Annotations: map[string]string{}},
		Spec:       v1.PodSpec{Containers: []v1.Container{{Name: "c"}}},
		Status:     v1.PodStatus{Phase: v1.PodRunning},
	}
	for i, g := range gpus {
		p.Annotations[fmt.Sprint(i)] = g
	}
	return p
}

func servePodResources(socket string) error {
	f := fixed{pods: []*v1.Pod{pod("train-0", gpu(0), gpu(1)), pod("slice-0", gpu(2)+"::1"), pod("web")}}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	pr.RegisterPodResourcesListerServer(server, podresources.NewV1PodResourcesServer(context.Background(), podresources.PodResourcesProviders{
		Pods: f, Devices: f, Cpus: f, Memory: f, DynamicResources: f}))
	return server.Serve(listener)
}
