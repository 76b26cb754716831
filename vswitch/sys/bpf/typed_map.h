// A map with the types of its key and value, over any BpfMaps. Values are copied as they are in
// memory, so both must be trivially copyable and a key must have no padding. Thread rule: as
// BpfMaps.
#ifndef OUTRIDER_VSWITCH_SYS_BPF_TYPED_MAP_H_
#define OUTRIDER_VSWITCH_SYS_BPF_TYPED_MAP_H_

#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "vswitch/sys/bpf/bpf_maps.h"

namespace outrider::sys {

template <typename T>
ByteSpan AsBytes(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return ByteSpan(reinterpret_cast<const uint8_t*>(&value), sizeof(T));
}

// `bytes` must have exactly sizeof(T) bytes, as all that BpfMaps returns for a map of that size.
template <typename T>
T FromBytes(ByteSpan bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

template <typename Key, typename Value>
class TypedMap {
  static_assert(std::has_unique_object_representations_v<Key>, "a key has no padding");

 public:
  // `maps` must outlive this.
  TypedMap(BpfMaps* maps, std::string name) : maps_(maps), name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  absl::StatusOr<Value> Lookup(const Key& key) const {
    ASSIGN_OR_RETURN(Bytes bytes, maps_->Lookup(name_, AsBytes(key)));
    return Convert<Value>(bytes);
  }

  // Per-CPU maps of structs that are arrays of u64 counters: the sum over CPUs.
  absl::StatusOr<Value> LookupSum(const Key& key) const {
    constexpr size_t kLaneBytes = 8;
    static_assert(sizeof(Value) % kLaneBytes == 0);
    ASSIGN_OR_RETURN(std::vector<Bytes> values, maps_->LookupPerCpu(name_, AsBytes(key)));
    uint64_t sums[sizeof(Value) / kLaneBytes] = {};
    for (const Bytes& bytes : values) {
      if (bytes.size() != sizeof(Value)) return SizeError(bytes.size(), sizeof(Value));
      uint64_t lanes[sizeof(Value) / kLaneBytes];
      std::memcpy(lanes, bytes.data(), sizeof(lanes));
      for (size_t i = 0; i < std::size(lanes); ++i) sums[i] += lanes[i];
    }
    return FromBytes<Value>(AsBytes(sums));
  }

  absl::Status Update(const Key& key, const Value& value,
                      UpdateMode mode = UpdateMode::kAny) const {
    return maps_->Update(name_, AsBytes(key), AsBytes(value), mode);
  }

  // NotFound when absent.
  absl::Status Delete(const Key& key) const { return maps_->Delete(name_, AsBytes(key)); }

  absl::StatusOr<std::vector<Key>> Keys() const {
    ASSIGN_OR_RETURN(std::vector<Bytes> raw, maps_->Keys(name_));
    std::vector<Key> keys;
    keys.reserve(raw.size());
    for (const Bytes& bytes : raw) {
      ASSIGN_OR_RETURN(Key key, Convert<Key>(bytes));
      keys.push_back(key);
    }
    return keys;
  }

  absl::StatusOr<std::vector<std::pair<Key, Value>>> Dump() const {
    ASSIGN_OR_RETURN(std::vector<MapEntry> raw, maps_->Dump(name_));
    std::vector<std::pair<Key, Value>> entries;
    entries.reserve(raw.size());
    for (const MapEntry& entry : raw) {
      ASSIGN_OR_RETURN(Key key, Convert<Key>(entry.key));
      ASSIGN_OR_RETURN(Value value, Convert<Value>(entry.value));
      entries.emplace_back(key, value);
    }
    return entries;
  }

  // `visit(const Key&, const Value&)` for each element; see BpfMaps::Visit.
  template <typename Visitor>
  absl::Status Visit(Visitor visit) const {
    absl::Status sizes;
    RETURN_IF_ERROR(maps_->Visit(name_, [&](ByteSpan key, ByteSpan value) {
      if (key.size() != sizeof(Key)) sizes = SizeError(key.size(), sizeof(Key));
      if (value.size() != sizeof(Value)) sizes = SizeError(value.size(), sizeof(Value));
      if (sizes.ok()) visit(FromBytes<Key>(key), FromBytes<Value>(value));
    }));
    return sizes;
  }

  absl::Status UpdateBatch(const std::vector<std::pair<Key, Value>>& entries) const {
    std::vector<MapEntry> raw;
    raw.reserve(entries.size());
    for (const auto& [key, value] : entries) raw.push_back({Copy(key), Copy(value)});
    return maps_->UpdateBatch(name_, raw);
  }

  // Absent keys are no error.
  absl::Status DeleteBatch(const std::vector<Key>& keys) const {
    std::vector<Bytes> raw;
    raw.reserve(keys.size());
    for (const Key& key : keys) raw.push_back(Copy(key));
    return maps_->DeleteBatch(name_, raw);
  }

 private:
  template <typename T>
  static Bytes Copy(const T& value) {
    ByteSpan span = AsBytes(value);
    return Bytes(span.begin(), span.end());
  }

  template <typename T>
  absl::StatusOr<T> Convert(const Bytes& bytes) const {
    if (bytes.size() != sizeof(T)) return SizeError(bytes.size(), sizeof(T));
    return FromBytes<T>(bytes);
  }

  absl::Status SizeError(size_t have, size_t want) const {
    return absl::FailedPreconditionError("map " + name_ + ": element of " + std::to_string(have) +
                                         " bytes where the program has " + std::to_string(want));
  }

  BpfMaps* maps_;
  std::string name_;
};

// A map of maps whose values are arrays of `Element`.
template <typename Key, typename Element>
class TypedMapOfArrays {
  static_assert(std::has_unique_object_representations_v<Key>, "a key has no padding");
  static_assert(std::is_trivially_copyable_v<Element>);

 public:
  // `maps` must outlive this.
  TypedMapOfArrays(BpfMaps* maps, std::string name) : maps_(maps), keys_(maps, std::move(name)) {}

  const std::string& name() const { return keys_.name(); }

  // AlreadyExists when the key is taken.
  absl::Status Insert(const Key& key, const std::vector<Element>& content) const {
    const ByteSpan bytes(reinterpret_cast<const uint8_t*>(content.data()),
                         content.size() * sizeof(Element));
    return maps_->InsertArray(name(), AsBytes(key), bytes, sizeof(Element));
  }
  // The elements' bytes.
  absl::StatusOr<Bytes> Lookup(const Key& key) const {
    return maps_->LookupArray(name(), AsBytes(key));
  }
  // The same, as they are from now on.
  absl::StatusOr<std::unique_ptr<const MappedArray>> Map(const Key& key) const {
    return maps_->MapArray(name(), AsBytes(key));
  }
  absl::StatusOr<bool> Contains(const Key& key) const {
    const auto id = keys_.Lookup(key);
    if (absl::IsNotFound(id.status())) return false;
    return id.ok() ? absl::StatusOr<bool>(true) : id.status();
  }
  // NotFound when absent.
  absl::Status Delete(const Key& key) const { return keys_.Delete(key); }
  absl::StatusOr<std::vector<Key>> Keys() const { return keys_.Keys(); }

 private:
  BpfMaps* maps_;
  TypedMap<Key, uint32_t> keys_;  // ids of the arrays
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_BPF_TYPED_MAP_H_
