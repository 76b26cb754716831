// outrider capture, where exact text is not all: what ends it, and the file it leaves.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/controller/cli/child_process.h"
#include "tests/controller/cli/scripted_peer.h"

namespace outrider::controller::cli {
namespace {

class CaptureTest : public testing::Test {
 protected:
  CaptureTest() {
    std::string name = (std::filesystem::temp_directory_path() / "ort-cap-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~CaptureTest() override { std::filesystem::remove_all(directory_); }

  ChildResult Run(const ScriptedCall& call, std::function<bool()> interrupt_when = nullptr) {
    ScriptedPeer agent(directory_ + "/agent.sock", {call});
    ChildResult result = RunChild({.argv = {OUTRIDER_BINARY, "capture", "all", "-w", "out.pcapng"},
                                   .environment = {"OUTRIDER_AGENT=unix:agent.sock"},
                                   .directory = directory_,
                                   .input = "",
                                   .interrupt_when = std::move(interrupt_when)});
    EXPECT_EQ(agent.Problems(), "");
    return result;
  }
  std::string Path() const { return directory_ + "/out.pcapng"; }
  std::string Content() const {
    std::ifstream file(Path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  std::string directory_;
};

ScriptedCall Call() {
  return {.method = "AgentLocalService/Capture",
          .request = "",
          .replies = {},
          .status = grpc::Status::OK,
          .stall = false};
}

TEST_F(CaptureTest, AnInterruptEndsItWithASummary) {
  ScriptedCall call = Call();
  call.replies = {
      "point: POINT_FROM_GUEST port_id: 'p1' data: '01234567890123' length: 14 missed: 5"};
  call.stall = true;
  // The file has a section, an interface and the frame: the frame has come.
  const ChildResult result = Run(call, [this] {
    std::error_code error;
    return std::filesystem::file_size(Path(), error) > 128 && !error;
  });
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(
      result.err,
      "1 frames in out.pcapng, of which 0 were dropped; 5 more were missed: name one PORT, or "
      "cut frames by --snaplen\n");
}

TEST_F(CaptureTest, ARefusalLeavesTheFileAsItWas) {
  std::ofstream(Path()) << "the capture of yesterday";
  ScriptedCall call = Call();
  call.status = grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "two captures run already");
  EXPECT_EQ(Run(call).exit_code, 1);
  EXPECT_EQ(Content(), "the capture of yesterday");
}

TEST_F(CaptureTest, WithoutAFrameItIsACaptureAllTheSame) {
  std::ofstream(Path()) << "the capture of yesterday, which was longer than what is written now";
  EXPECT_EQ(Run(Call()).exit_code, 0);
  EXPECT_EQ(Content().substr(0, 4), "\x0a\x0d\x0d\x0a");
  EXPECT_EQ(Content().find("yesterday"), std::string::npos);
}

}  // namespace
}  // namespace outrider::controller::cli
