// SPDX-License-Identifier: Apache-2.0
// libFuzzer target of what comes from an API server and a kubelet: the first byte chooses.
#include "l4_sched/kube_config.h"
#include "l4_sched/kube_frames.h"
#include "l4_sched/kube_object.h"
#include "l4_sched/kube_podresources.h"
#include "l4_sched/pods.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace strata::l4_sched;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  static KubeParser parser;
  KubeObject object;
  KubeHead head;
  std::string type;
  switch (data[0] % 5) {
    case 0:
    case 1: {
      KubeFrames frames(data[0] % 5 == 0 ? KubeFrames::Shape::list : KubeFrames::Shape::stream,
                        1u << 16);
      const std::size_t cut = bytes.size() / 2;
      const auto take = [&](std::string_view json) {
        static_cast<void>(parser.Object(json, &object));
        static_cast<void>(parser.Frame(json, &type, &object, &head));
        static_cast<void>(ParseScheduling(object.unscheduled));
        return true;
      };
      if (frames.Push(bytes.substr(0, cut), take)) frames.Push(bytes.substr(cut), take);
      static_cast<void>(parser.Head(frames.head(), &head));
      break;
    }
    case 2: {
      std::vector<KubeletContainer> containers;
      std::vector<KubeletDevices> devices;
      static_cast<void>(ParsePodResources(bytes, &containers));
      static_cast<void>(ParseAllocatable(bytes, &devices));
      break;
    }
    case 3:
      static_cast<void>(ParseScheduling(bytes));
      static_cast<void>(ParseQuantity(bytes));
      break;
    default: static_cast<void>(KubeConfig::FromText(bytes, "/nonexistent"));
  }
  return 0;
}
