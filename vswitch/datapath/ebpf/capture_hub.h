// Captures under way: tells the programs which ports are wanted, gives them a ring to write to,
// renews that while somebody listens, and hands each frame to the sessions that want it. Owns the
// or_capture maps, the ring and its threads.
//
// Thread rule: Start and the destruction of sessions from any thread. Sinks are called on a thread
// of the hub's.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_CAPTURE_HUB_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_CAPTURE_HUB_H_

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "vswitch/datapath/ebpf/capture_decoder.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/datapath/packet_capture.h"
#include "vswitch/sys/bpf/bpf_maps.h"
#include "vswitch/sys/bpf/ring_reader.h"

namespace outrider::datapath::ebpf {

class CaptureHub final : public std::enable_shared_from_this<CaptureHub> {
 public:
  // Over the pinned maps. One at a time: two would tell the programs different things.
  static absl::StatusOr<std::shared_ptr<CaptureHub>> Open(const std::string& maps_dir);
  ~CaptureHub() = default;
  CaptureHub(const CaptureHub&) = delete;
  CaptureHub& operator=(const CaptureHub&) = delete;

  // Ends what a process that died has left.
  absl::Status Clear();
  // The hub lives as long as the session.
  absl::StatusOr<std::unique_ptr<CaptureSession>> Start(const CaptureRequest& request,
                                                        PacketCapture::Sink sink);

 private:
  class Session;
  struct Wish {
    std::optional<PortId> port;
    uint32_t snap_length = 0;
    PacketCapture::Sink sink;
  };

  explicit CaptureHub(std::unique_ptr<sys::KernelBpfMaps> maps)
      : raw_(std::move(maps)), maps_(raw_.get()) {}

  // Under lifecycle_: the first session begins, the last one ends.
  absl::Status Begin();
  void End();
  void Remove(uint64_t id, const std::lock_guard<std::mutex>& lifecycle);
  // What the sessions want together, for some seconds from now.
  absl::Status Announce();
  absl::StatusOr<std::map<PortId, uint32_t>> FindIndices() const;
  void Renew();
  void Deliver(uint32_t port, CapturedFrame frame);

  const std::unique_ptr<sys::KernelBpfMaps> raw_;
  const DatapathMaps maps_;
  std::mutex lifecycle_;  // one start or end at a time
  std::mutex mutex_;      // what follows
  std::condition_variable wake_;
  bool ending_ = false;
  uint64_t last_id_ = 0;
  std::map<uint64_t, Wish> wishes_;
  std::map<uint32_t, std::optional<PortId>> names_;
  std::unique_ptr<CaptureDecoder> decoder_;
  std::unique_ptr<sys::RingReader> reader_;
  std::thread renewer_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_CAPTURE_HUB_H_
