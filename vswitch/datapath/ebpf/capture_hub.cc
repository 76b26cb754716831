#include "vswitch/datapath/ebpf/capture_hub.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "vswitch/datapath/ebpf/connections.h"
#include "vswitch/datapath/ebpf/kernel_clock.h"
#include "vswitch/datapath/ebpf/port_codec.h"

namespace outrider::datapath::ebpf {
namespace {

constexpr uint32_t kOnly = 0;
// About 4000 frames of 1500 bytes.
constexpr uint32_t kRingBytes = 8U << 20;
// How long the programs go on without a word: an agent that died ends its captures by that.
constexpr uint64_t kLeaseNs = 3'000'000'000;
constexpr std::chrono::milliseconds kRenewEvery(500);

}  // namespace

class CaptureHub::Session final : public CaptureSession {
 public:
  Session(std::shared_ptr<CaptureHub> hub, uint64_t id) : hub_(std::move(hub)), id_(id) {}
  ~Session() override {
    const std::lock_guard lifecycle(hub_->lifecycle_);
    hub_->Remove(id_, lifecycle);
  }

 private:
  const std::shared_ptr<CaptureHub> hub_;
  const uint64_t id_;
};

absl::StatusOr<std::shared_ptr<CaptureHub>> CaptureHub::Open(const std::string& maps_dir) {
  ASSIGN_OR_RETURN(auto maps, sys::KernelBpfMaps::OpenPinned(
                                  maps_dir, {"or_port_info", "or_capture", "or_capture_ports",
                                             "or_capture_missed", "or_capture_ring"}));
  return std::shared_ptr<CaptureHub>(new CaptureHub(std::move(maps)));
}

absl::Status CaptureHub::Clear() {
  RETURN_IF_ERROR(maps_.capture.Update(kOnly, {}));
  ASSIGN_OR_RETURN(const auto ports, maps_.capture_ports.Keys());
  RETURN_IF_ERROR(maps_.capture_ports.DeleteBatch(ports));
  const absl::Status removed = maps_.capture_ring.Delete(kOnly);
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

absl::StatusOr<std::unique_ptr<CaptureSession>> CaptureHub::Start(const CaptureRequest& request,
                                                                  PacketCapture::Sink sink) {
  if (request.port) RETURN_IF_ERROR(FindPortIndex(maps_, *request.port).status());
  Wish wish = {.port = request.port, .snap_length = request.snap_length, .sink = std::move(sink)};
  const std::lock_guard lifecycle(lifecycle_);
  uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = ++last_id_;
    wishes_.emplace(id, std::move(wish));
  }
  const absl::Status status = reader_ == nullptr ? Begin() : Announce();
  if (!status.ok()) {
    Remove(id, lifecycle);
    return status;
  }
  return std::make_unique<Session>(shared_from_this(), id);
}

absl::Status CaptureHub::Begin() {
  RETURN_IF_ERROR(Clear());
  RETURN_IF_ERROR(maps_.capture_missed.Update(kOnly, 0));
  ASSIGN_OR_RETURN(const UniqueFd ring, sys::CreateRing("or_captured", kRingBytes));
  RETURN_IF_ERROR(maps_.capture_ring.Update(kOnly, static_cast<uint32_t>(ring.get())));
  decoder_ = std::make_unique<CaptureDecoder>(
      ClockNs(CLOCK_REALTIME) - ClockNs(CLOCK_BOOTTIME),
      [this](uint32_t port, CapturedFrame frame) { Deliver(port, std::move(frame)); });
  ASSIGN_OR_RETURN(reader_, sys::RingReader::Start(ring.get(), [this](auto record) {
                     const std::lock_guard lock(mutex_);
                     decoder_->OnRecord(record);
                   }));
  ending_ = false;
  renewer_ = std::thread([this] { Renew(); });
  return Announce();
}

void CaptureHub::End() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (renewer_.joinable()) renewer_.join();
  if (const absl::Status status = Clear(); !status.ok()) {
    spdlog::warn("the end of a capture: {}; it ends by itself", Message(status));
  }
  reader_.reset();
}

void CaptureHub::Remove(uint64_t id, const std::lock_guard<std::mutex>&) {
  bool last = false;
  {
    const std::lock_guard lock(mutex_);
    if (decoder_ != nullptr) decoder_->Flush();
    wishes_.erase(id);
    last = wishes_.empty();
  }
  if (last) return End();
  if (const absl::Status status = Announce(); !status.ok()) {
    spdlog::warn("a capture that has ended: {}", Message(status));
  }
}

absl::Status CaptureHub::Announce() {
  const std::lock_guard lock(mutex_);
  abi::or_capture wanted = {};
  ASSIGN_OR_RETURN(std::vector<uint32_t> gone, maps_.capture_ports.Keys());
  ASSIGN_OR_RETURN(const auto indices, FindIndices());
  for (const auto& [id, wish] : wishes_) {
    const uint32_t keep = wish.snap_length == 0 ? OR_CAPTURE_MAX : wish.snap_length;
    wanted.keep = std::max(wanted.keep, std::min<uint32_t>(keep, OR_CAPTURE_MAX));
    if (!wish.port) {
      wanted.all = 1;
      continue;
    }
    const auto index = indices.find(*wish.port);
    if (index == indices.end()) continue;
    std::erase(gone, index->second);
    RETURN_IF_ERROR(maps_.capture_ports.Update(index->second, 1));
  }
  RETURN_IF_ERROR(maps_.capture_ports.DeleteBatch(gone));
  wanted.until_ns = MonotonicNs() + kLeaseNs;
  return maps_.capture.Update(kOnly, wanted);
}

// Each time anew: an index may be another port's by now, and a port may have come back.
absl::StatusOr<std::map<PortId, uint32_t>> CaptureHub::FindIndices() const {
  std::map<PortId, uint32_t> indices;
  RETURN_IF_ERROR(maps_.port_info.Visit([&](uint32_t index, const abi::or_port_info& info) {
    indices.emplace(DecodePortId(info), index);
  }));
  return indices;
}

void CaptureHub::Renew() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, kRenewEvery, [this] { return ending_; })) return;
      decoder_->Flush();
      // Ports come and go.
      names_.clear();
    }
    if (const absl::Status status = Announce(); !status.ok()) {
      spdlog::warn("a capture may pause: {}", Message(status));
    }
  }
}

void CaptureHub::Deliver(uint32_t port, CapturedFrame frame) {
  const auto [name, is_new] = names_.try_emplace(port);
  if (is_new) {
    const absl::StatusOr<abi::or_port_info> info = maps_.port_info.Lookup(port);
    if (info.ok()) name->second = DecodePortId(*info);
  }
  if (!name->second) return;
  frame.port = *name->second;
  for (const auto& [id, wish] : wishes_) {
    if (wish.port && *wish.port != frame.port) continue;
    if (wish.snap_length == 0 || frame.data.size() <= wish.snap_length) {
      wish.sink(frame);
      continue;
    }
    CapturedFrame cut = frame;
    cut.data.resize(wish.snap_length);
    wish.sink(cut);
  }
}

}  // namespace outrider::datapath::ebpf
