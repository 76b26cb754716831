// Loading, constants and pins, with the switch's own programs and a bpffs in a private mount
// namespace.
#include "vswitch/sys/bpf/bpf_object.h"

#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <outrider_bpf.skel.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <filesystem>

#include "vswitch/sys/bpf/bpffs.h"
#include "vswitch/sys/bpf/typed_map.h"

namespace outrider::sys {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

BpfObjectOptions Options() {
  BpfObjectOptions options;
  size_t size = 0;
  const void* elf = outrider_bpf__elf_bytes(&size);
  options.elf = {static_cast<const uint8_t*>(elf), size};
  options.name = "outrider_bpf";
  return options;
}

class BpfObjectTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(unshare(CLONE_NEWNS), 0) << strerrorname_np(errno);
    ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    char dir[] = "/tmp/ort-bpffs-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    root_ = dir;
    ASSERT_EQ(EnsureBpffs(root_), absl::OkStatus());
    pins_ = root_ + "/v1";
    ASSERT_EQ(EnsureBpffs(pins_), absl::OkStatus());
  }

  void TearDown() override {
    umount2(root_.c_str(), MNT_DETACH);
    std::filesystem::remove(root_);
  }

  std::string root_;
  std::string pins_;
};

TEST_F(BpfObjectTest, MapsSurviveInPinsAndAreReused) {
  {
    auto first = BpfObject::Load(Options());
    ASSERT_TRUE(first.ok()) << first.status();
    ASSERT_EQ((*first)->PinMaps(pins_), absl::OkStatus());
    ASSERT_EQ((*first)->PinPrograms(pins_), absl::OkStatus());
    ASSERT_EQ((*first)->PinPrograms(pins_), absl::OkStatus()) << "replaces";
    auto maps = (*first)->Maps().value();
    TypedMap<uint32_t, uint32_t> devices(maps.get(), "or_devices");
    ASSERT_EQ(devices.Update(4, 2), absl::OkStatus());
  }
  BpfObjectOptions again = Options();
  again.reuse_maps_from = pins_;
  auto second = BpfObject::Load(again);
  ASSERT_TRUE(second.ok()) << second.status();
  auto maps = (*second)->Maps().value();
  EXPECT_EQ((TypedMap<uint32_t, uint32_t>(maps.get(), "or_devices").Lookup(4).value()), 2u);
  auto pinned = KernelBpfMaps::OpenPinned(pins_, (*second)->MapNames());
  EXPECT_TRUE(pinned.ok()) << pinned.status();

  auto old_program = GetProgramInfo(OpenPin(pins_ + "/or_from_port").value().get());
  auto new_program = GetProgramInfo((*second)->Program("or_from_port").value());
  ASSERT_TRUE(old_program.ok() && new_program.ok());
  EXPECT_EQ(old_program->tag, new_program->tag);
  EXPECT_NE(old_program->id, new_program->id);
  EXPECT_EQ(GetProgramInfoById(new_program->id)->name, "or_from_port");
  EXPECT_FALSE(new_program->map_ids.empty());

  EXPECT_THAT(ListPins(pins_).value(), Contains("or_port_guard"));
  EXPECT_THAT(ListPins(pins_).value(), Not(Contains(HasSubstr("_new"))));
  EXPECT_EQ(RemovePins(pins_), absl::OkStatus());
  EXPECT_TRUE(ListPins(pins_).value().empty());
  EXPECT_TRUE(absl::IsNotFound(OpenPin(pins_ + "/or_from_port").status()));
}

TEST_F(BpfObjectTest, APinOfAnotherLayoutIsRefused) {
  UniqueFd other(bpf_map_create(BPF_MAP_TYPE_HASH, "or_devices", 4, 8, 16, nullptr));
  ASSERT_EQ(Pin(other.get(), pins_ + "/or_devices"), absl::OkStatus());
  BpfObjectOptions options = Options();
  options.reuse_maps_from = pins_;
  const absl::Status status = BpfObject::Load(options).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("or_devices"));
}

TEST_F(BpfObjectTest, ConstantsAreCheckedByNameAndSize) {
  BpfObjectOptions unknown = Options();
  unknown.constants["or_no_such"] = Bytes(4);
  EXPECT_TRUE(absl::IsNotFound(BpfObject::Load(unknown).status()));
  BpfObjectOptions wrong_size = Options();
  wrong_size.constants["or_local_vtep"] = Bytes(4);
  EXPECT_TRUE(absl::IsInvalidArgument(BpfObject::Load(wrong_size).status()));
}

TEST_F(BpfObjectTest, RubbishIsNoObject) {
  const Bytes rubbish(100, 7);
  BpfObjectOptions options;
  options.elf = rubbish;
  options.name = "rubbish";
  EXPECT_FALSE(BpfObject::Load(options).ok());
}

TEST_F(BpfObjectTest, PinsAreRemovedFromABpffsOnly) {
  const std::string plain = testing::TempDir();
  EXPECT_TRUE(absl::IsFailedPrecondition(RemovePins(plain)));
  EXPECT_EQ(RemovePins(root_ + "/never-made"), absl::OkStatus());
  EXPECT_EQ(Unpin(root_ + "/never-made"), absl::OkStatus());
}

}  // namespace
}  // namespace outrider::sys
