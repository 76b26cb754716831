// Attach, replace, query and detach on real devices in a namespace of the test's own.
#include "vswitch/sys/bpf/tc_filters.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include "tests/support/test_netns.h"
#include "vswitch/sys/bpf/bpf_object.h"

namespace outrider::sys {
namespace {

// A program that passes every frame: r0 = 0; exit.
UniqueFd PassProgram() {
  const bpf_insn code[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  };
  return UniqueFd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "ort_pass", "GPL", code, 2, nullptr));
}

class TcFiltersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(tests::EnterNewNetns(), absl::OkStatus());
    tap_ = tests::Tap::Create("ort0").value();
    filters_ = KernelTcFilters::Create().value();
    program_ = PassProgram();
    ASSERT_GE(program_.get(), 0);
  }

  uint32_t Id(const UniqueFd& program) { return GetProgramInfo(program.get()).value().id; }

  std::unique_ptr<tests::Tap> tap_;
  std::unique_ptr<KernelTcFilters> filters_;
  UniqueFd program_;
};

TEST_F(TcFiltersTest, AttachReplaceQueryDetach) {
  const int device = tap_->ifindex();
  EXPECT_EQ(filters_->Query(device, TcDirection::kIngress).value(), std::nullopt);
  ASSERT_EQ(filters_->Attach(device, TcDirection::kIngress, program_.get()), absl::OkStatus());
  EXPECT_EQ(filters_->Query(device, TcDirection::kIngress).value(), Id(program_));
  EXPECT_EQ(filters_->Query(device, TcDirection::kEgress).value(), std::nullopt);

  UniqueFd second = PassProgram();
  ASSERT_EQ(filters_->Attach(device, TcDirection::kIngress, second.get()), absl::OkStatus());
  EXPECT_EQ(filters_->Query(device, TcDirection::kIngress).value(), Id(second));
  ASSERT_EQ(filters_->Attach(device, TcDirection::kEgress, second.get()), absl::OkStatus());

  EXPECT_EQ(filters_->Detach(device, TcDirection::kIngress), absl::OkStatus());
  EXPECT_EQ(filters_->Query(device, TcDirection::kIngress).value(), std::nullopt);
  EXPECT_EQ(filters_->Query(device, TcDirection::kEgress).value(), Id(second));
  EXPECT_EQ(filters_->Detach(device, TcDirection::kIngress), absl::OkStatus()) << "idempotent";
}

TEST_F(TcFiltersTest, ADeviceThatIsGone) {
  const int device = tap_->ifindex();
  tap_.reset();
  EXPECT_TRUE(absl::IsNotFound(filters_->Attach(device, TcDirection::kIngress, program_.get())));
  EXPECT_TRUE(absl::IsNotFound(filters_->Query(device, TcDirection::kIngress).status()));
  EXPECT_EQ(filters_->Detach(device, TcDirection::kIngress), absl::OkStatus());
}

}  // namespace
}  // namespace outrider::sys
