// KernelBpfMaps against the kernel: what BpfMaps promises, which a fake has to keep as well.
#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "vswitch/sys/bpf/typed_map.h"

namespace outrider::sys {
namespace {

using ::testing::UnorderedElementsAre;

constexpr uint32_t kCapacity = 2000;

struct Counters {
  uint64_t packets;
  uint64_t bytes;
  bool operator==(const Counters&) const = default;
};

UniqueFd MakeMap(bpf_map_type type, uint32_t value_size, uint32_t capacity) {
  bpf_map_create_opts options = {};
  options.sz = sizeof(options);
  options.map_flags = BPF_F_NO_PREALLOC;
  UniqueFd fd(bpf_map_create(type, "ort", sizeof(uint32_t), value_size, capacity, &options));
  EXPECT_GE(fd.get(), 0) << strerrorname_np(errno);
  return fd;
}

class BpfMapsTest : public ::testing::Test {
 protected:
  BpfMapsTest() {
    std::map<std::string, UniqueFd> descriptors;
    descriptors["hash"] = MakeMap(BPF_MAP_TYPE_HASH, sizeof(uint64_t), kCapacity);
    descriptors["small"] = MakeMap(BPF_MAP_TYPE_HASH, sizeof(uint64_t), 2);
    descriptors["per_cpu"] = MakeMap(BPF_MAP_TYPE_PERCPU_HASH, sizeof(Counters), kCapacity);
    maps_ = KernelBpfMaps::Create(std::move(descriptors)).value();
  }

  std::unique_ptr<KernelBpfMaps> maps_;
  TypedMap<uint32_t, uint64_t> Hash() { return {maps_.get(), "hash"}; }
};

TEST_F(BpfMapsTest, UpdateLookupDelete) {
  auto hash = Hash();
  EXPECT_TRUE(absl::IsNotFound(hash.Lookup(1).status()));
  EXPECT_EQ(hash.Update(1, 10), absl::OkStatus());
  EXPECT_EQ(hash.Update(1, 11), absl::OkStatus());
  EXPECT_EQ(hash.Lookup(1).value(), 11u);
  EXPECT_TRUE(absl::IsAlreadyExists(hash.Update(1, 12, UpdateMode::kNoExist)));
  EXPECT_TRUE(absl::IsNotFound(hash.Update(2, 12, UpdateMode::kExist)));
  EXPECT_EQ(hash.Delete(1), absl::OkStatus());
  EXPECT_TRUE(absl::IsNotFound(hash.Delete(1)));
}

TEST_F(BpfMapsTest, AnArrayAsMemory) {
  constexpr uint32_t kElements = 3;
  bpf_map_create_opts options = {};
  options.sz = sizeof(options);
  options.map_flags = BPF_F_MMAPABLE;
  std::map<std::string, UniqueFd> descriptors;
  descriptors["array"] =
      UniqueFd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "ort", sizeof(uint32_t), 4, kElements, &options));
  const auto maps = KernelBpfMaps::Create(std::move(descriptors)).value();
  const auto array = maps->MapElements("array", Mapping::kReadWrite).value();
  ASSERT_EQ(array->size(), 8 * kElements);
  array->bytes()[8 * 2] = 7;
  EXPECT_EQ((TypedMap<uint32_t, uint32_t>(maps.get(), "array").Lookup(2).value()), 7u);
  EXPECT_EQ(maps->MapElements("array", Mapping::kRead).value()->bytes()[8 * 2], 7);
  EXPECT_TRUE(absl::IsInvalidArgument(maps_->MapElements("hash", Mapping::kRead).status()));
  EXPECT_TRUE(absl::IsNotFound(maps_->MapElements("none", Mapping::kRead).status()));
}

TEST_F(BpfMapsTest, BatchesLargerThanOneCall) {
  auto hash = Hash();
  std::vector<std::pair<uint32_t, uint64_t>> entries;
  for (uint32_t i = 0; i < kCapacity; ++i) entries.emplace_back(i, i * 3ull);
  EXPECT_EQ(hash.UpdateBatch(entries), absl::OkStatus());
  auto dumped = hash.Dump();
  ASSERT_TRUE(dumped.ok()) << dumped.status();
  std::sort(dumped->begin(), dumped->end());
  EXPECT_EQ(*dumped, entries);
  EXPECT_EQ(hash.Keys().value().size(), kCapacity);

  std::vector<uint32_t> keys(kCapacity + 10);  // the last ten were never there
  std::iota(keys.begin(), keys.end(), 0);
  EXPECT_EQ(hash.DeleteBatch(keys), absl::OkStatus());
  EXPECT_TRUE(hash.Dump().value().empty());
}

TEST_F(BpfMapsTest, PerCpuValuesAreSummed) {
  TypedMap<uint32_t, Counters> counters(maps_.get(), "per_cpu");
  EXPECT_EQ(counters.Update(5, {2, 100}), absl::OkStatus());
  const uint64_t cpus = maps_->LookupPerCpu("per_cpu", AsBytes(uint32_t{5}))->size();
  EXPECT_GE(cpus, 1u);
  EXPECT_EQ(counters.LookupSum(5).value(), (Counters{2 * cpus, 100 * cpus}));
  EXPECT_THAT(counters.Keys().value(), UnorderedElementsAre(5u));
  EXPECT_EQ(counters.Delete(5), absl::OkStatus());
  EXPECT_TRUE(absl::IsNotFound(counters.LookupSum(5).status()));
}

TEST_F(BpfMapsTest, AFullMapIsResourceExhausted) {
  TypedMap<uint32_t, uint64_t> small(maps_.get(), "small");
  EXPECT_EQ(small.Update(1, 1), absl::OkStatus());
  EXPECT_EQ(small.Update(2, 2), absl::OkStatus());
  const absl::Status full = small.Update(3, 3);
  EXPECT_TRUE(absl::IsResourceExhausted(full)) << full;
  EXPECT_THAT(Message(full), ::testing::HasSubstr("map update small key=03000000"));
  EXPECT_TRUE(absl::IsResourceExhausted(small.UpdateBatch({{4, 4}})));
}

TEST_F(BpfMapsTest, WrongUseIsRefused) {
  const uint64_t eight = 0;
  const uint32_t four = 0;
  EXPECT_TRUE(absl::IsNotFound(maps_->Lookup("nothing", AsBytes(four)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(maps_->Lookup("hash", AsBytes(eight)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(maps_->Update("hash", AsBytes(four), AsBytes(four))));
  EXPECT_TRUE(absl::IsInvalidArgument(maps_->Lookup("per_cpu", AsBytes(four)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(maps_->LookupPerCpu("hash", AsBytes(four)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(maps_->Dump("per_cpu").status()));
}

TEST_F(BpfMapsTest, WaitForReadersReturns) { EXPECT_EQ(maps_->WaitForReaders(), absl::OkStatus()); }

}  // namespace
}  // namespace outrider::sys
