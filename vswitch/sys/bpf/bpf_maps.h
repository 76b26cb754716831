// Access to eBPF maps by name, as bytes. Owns the seam between the datapath and the kernel: the
// real one works on file descriptors, a test's fake on std::map. Knows neither what keys and values
// mean (typed_map.h gives them types) nor where maps are pinned.
//
// Keys and values are raw bytes of exactly the map's sizes; anything else is InvalidArgument. An
// unknown map name is NotFound naming the map; a full map is ResourceExhausted.
//
// Thread rule: any thread; each call is one or more bpf(2) system calls.
#ifndef OUTRIDER_VSWITCH_SYS_BPF_BPF_MAPS_H_
#define OUTRIDER_VSWITCH_SYS_BPF_BPF_MAPS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vswitch/sys/bpf/mapped_array.h"
#include "vswitch/types/status.h"
#include "vswitch/types/unique_fd.h"

namespace outrider::sys {

using Bytes = std::vector<uint8_t>;
using ByteSpan = std::span<const uint8_t>;

struct MapEntry {
  Bytes key;
  Bytes value;
  bool operator==(const MapEntry&) const = default;
};

// What a process may do to an array that it has mapped.
enum class Mapping { kRead, kReadWrite };

enum class UpdateMode {
  kAny,      // create or replace
  kNoExist,  // create; AlreadyExists otherwise
  kExist,    // replace; NotFound otherwise
};

class BpfMaps {
 public:
  virtual ~BpfMaps() = default;

  // NotFound when the key is absent. Not for per-CPU maps.
  virtual absl::StatusOr<Bytes> Lookup(const std::string& map, ByteSpan key) = 0;

  // One value per possible CPU. Per-CPU maps only; NotFound when the key is absent.
  virtual absl::StatusOr<std::vector<Bytes>> LookupPerCpu(const std::string& map, ByteSpan key) = 0;

  // Replaces the whole element at once for readers. In a per-CPU map the value becomes that of
  // every CPU.
  virtual absl::Status Update(const std::string& map, ByteSpan key, ByteSpan value,
                              UpdateMode mode = UpdateMode::kAny) = 0;

  // NotFound when the key is absent.
  virtual absl::Status Delete(const std::string& map, ByteSpan key) = 0;

  // Every key, in no order. Keys that other writers add or delete meanwhile may or may not be
  // there.
  virtual absl::StatusOr<std::vector<Bytes>> Keys(const std::string& map) = 0;

  // Every element, in no order; not for per-CPU maps. Uses batch lookups.
  virtual absl::StatusOr<std::vector<MapEntry>> Dump(const std::string& map) = 0;

  using Visitor = std::function<void(ByteSpan key, ByteSpan value)>;
  // The same without a copy of everything: calls `visit` for each element; the spans are good until
  // it returns. Elements written meanwhile may be missed or come twice.
  virtual absl::Status Visit(const std::string& map, const Visitor& visit) = 0;

  // Many updates in few system calls; not for per-CPU maps. Returns the first error; elements
  // before it are written.
  virtual absl::Status UpdateBatch(const std::string& map,
                                   const std::vector<MapEntry>& entries) = 0;

  // Many deletes; absent keys are no error.
  virtual absl::Status DeleteBatch(const std::string& map, const std::vector<Bytes>& keys) = 0;

  // In a map of maps: puts a new array with `content` under a key that is free (AlreadyExists
  // otherwise): elements of `element_size` bytes, of which the content is a multiple. Programs see
  // all of it or none. Takes a grace period, some milliseconds.
  virtual absl::Status InsertArray(const std::string& map, ByteSpan key, ByteSpan content,
                                   uint32_t element_size) = 0;

  // In a map of maps: the content of the array under the key.
  virtual absl::StatusOr<Bytes> LookupArray(const std::string& map, ByteSpan key) = 0;

  // The same, as it is from now on.
  virtual absl::StatusOr<std::unique_ptr<const MappedArray>> MapArray(const std::string& map,
                                                                      ByteSpan key) = 0;

  // An array with BPF_F_MMAPABLE, all of its elements as they are from now on; each takes a
  // multiple of 8 bytes. InvalidArgument for another kind of map.
  virtual absl::StatusOr<std::unique_ptr<const MappedArray>> MapElements(const std::string& map,
                                                                         Mapping mapping) = 0;

  // Returns when every program run that started before the call has ended (an RCU grace period,
  // some milliseconds). Since Linux 6.1 the memory of a replaced or deleted hash element may be
  // reused by the next update at once, while a program still reads it: whoever deletes an element
  // that frames walk at length (a rule set, a replication list) calls this after the last reference
  // to it is gone and before deleting it, and between two replacements of elements that must not be
  // seen torn.
  virtual absl::Status WaitForReaders() = 0;
};

// The kernel's maps.
class KernelBpfMaps : public BpfMaps {
 public:
  // Takes the descriptors. Reads each map's type and sizes.
  static absl::StatusOr<std::unique_ptr<KernelBpfMaps>> Create(
      std::map<std::string, UniqueFd> descriptors);
  // Opens every map pinned in directory `dir` under a name of `names`. NotFound names what is
  // missing.
  static absl::StatusOr<std::unique_ptr<KernelBpfMaps>> OpenPinned(
      const std::string& dir, const std::vector<std::string>& names);

  absl::StatusOr<Bytes> Lookup(const std::string& map, ByteSpan key) override;
  absl::StatusOr<std::vector<Bytes>> LookupPerCpu(const std::string& map, ByteSpan key) override;
  absl::Status Update(const std::string& map, ByteSpan key, ByteSpan value,
                      UpdateMode mode = UpdateMode::kAny) override;
  absl::Status Delete(const std::string& map, ByteSpan key) override;
  absl::StatusOr<std::vector<Bytes>> Keys(const std::string& map) override;
  absl::StatusOr<std::vector<MapEntry>> Dump(const std::string& map) override;
  absl::Status Visit(const std::string& map, const Visitor& visit) override;
  absl::Status UpdateBatch(const std::string& map, const std::vector<MapEntry>& entries) override;
  absl::Status DeleteBatch(const std::string& map, const std::vector<Bytes>& keys) override;
  absl::Status InsertArray(const std::string& map, ByteSpan key, ByteSpan content,
                           uint32_t element_size) override;
  absl::StatusOr<Bytes> LookupArray(const std::string& map, ByteSpan key) override;
  absl::StatusOr<std::unique_ptr<const MappedArray>> MapArray(const std::string& map,
                                                              ByteSpan key) override;
  absl::StatusOr<std::unique_ptr<const MappedArray>> MapElements(const std::string& map,
                                                                 Mapping mapping) override;
  absl::Status WaitForReaders() override;

  // From now on every change of another map but `uncounted`, by this object, adds one to the first
  // element of array `map`, of u64 and BPF_F_MMAPABLE: after the change, and before the call
  // returns.
  absl::Status CountChangesIn(const std::string& map, const std::string& uncounted = "");
  // As if a map had changed.
  void CountChange() const;

  // Descriptor of a map, owned by this object: for RingReader.
  absl::StatusOr<int> Descriptor(const std::string& map) const;

 private:
  struct Map {
    std::string name;
    UniqueFd fd;
    uint32_t key_size = 0;
    uint32_t value_size = 0;
    uint32_t max_entries = 0;
    bool mmapable = false;
    bool per_cpu = false;
    bool counted = true;  // see CountChangesIn()
  };

  explicit KernelBpfMaps(std::map<std::string, Map> maps) : maps_(std::move(maps)) {}
  // NotFound for an unknown map, InvalidArgument for a key of another size or the wrong kind of
  // map.
  absl::StatusOr<const Map*> Find(const std::string& name, bool per_cpu) const;
  absl::StatusOr<const Map*> Find(const std::string& name, ByteSpan key) const;
  void CountChange(const Map& map) const;

  std::map<std::string, Map> maps_;
  std::unique_ptr<const MappedArray> changes_;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_BPF_BPF_MAPS_H_
