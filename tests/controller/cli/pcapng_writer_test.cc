// Capture files by their bytes, and as libpcap reads them.
#include "controller/cli/pcapng_writer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/cli/frame_file.h"

namespace outrider::controller::cli {
namespace {

class PcapngWriterTest : public testing::Test {
 protected:
  PcapngWriterTest() {
    std::string name = (std::filesystem::temp_directory_path() / "ort-pcapng-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~PcapngWriterTest() override { std::filesystem::remove_all(directory_); }

  std::string Path() const { return directory_ + "/a.pcapng"; }
  std::string Content() const {
    std::ostringstream bytes;
    bytes << std::ifstream(Path(), std::ios::binary).rdbuf();
    return bytes.str();
  }

  std::string directory_;
};

std::string Frame(size_t size) { return std::string(size, '\x5a'); }

TEST_F(PcapngWriterTest, WritesBlocksAsTheDraftSays) {
  auto writer = PcapngWriter::Create(Path(), 64);
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE((*writer)->Finish().ok());
  const std::string section = Content();
  EXPECT_EQ(section.size(), 44u);
  EXPECT_EQ(section.substr(0, 4), std::string("\x0a\x0d\x0d\x0a"));
  ASSERT_TRUE((*writer)
                  ->Write({.interface = "in",
                           .time_ns = 0x0000000500000007,
                           .data = Frame(15),
                           .length = 99,
                           .comment = "abc"})
                  .ok());
  const std::string rest = Content().substr(section.size());
  // Type, length; Ethernet, snap length 64; name "in"; nanoseconds; end; length.
  const std::string interface(
      "\x01\0\0\0\x28\0\0\0\x01\0\0\0\x40\0\0\0\x02\0\x02\0in\0\0\x09\0\x01\0\x09\0\0\0\0\0\0\0\x28"
      "\0"
      "\0\0",
      40);
  EXPECT_EQ(rest.substr(0, 40), interface);
  // Type, length; interface 0; time high, low; kept, length; the frame and a byte of padding;
  // comment; end; length.
  const std::string head("\x06\0\0\0\x3c\0\0\0\0\0\0\0\x05\0\0\0\x07\0\0\0\x0f\0\0\0\x63\0\0\0",
                         28);
  const std::string tail("\0\x01\0\x03\0abc\0\0\0\0\0\x3c\0\0\0", 17);
  EXPECT_EQ(rest.substr(40), head + Frame(15) + tail);
}

TEST_F(PcapngWriterTest, IsReadByLibpcap) {
  auto writer = PcapngWriter::Create(Path(), 0);
  ASSERT_TRUE(writer.ok()) << writer.status();
  for (const size_t size : {size_t{14}, size_t{61}, size_t{65536}}) {
    ASSERT_TRUE((*writer)
                    ->Write({.interface = size == 61 ? "b" : "a",
                             .time_ns = 1,
                             .data = Frame(size),
                             .length = static_cast<uint32_t>(size),
                             .comment = size == 14 ? "" : "dropped: acl_ingress"})
                    .ok());
  }
  EXPECT_EQ(ReadFrame(Path(), 1).value(), Frame(14));
  EXPECT_EQ(ReadFrame(Path(), 2).value(), Frame(61));
  EXPECT_EQ(ReadFrame(Path(), 3).value(), Frame(65536));
  EXPECT_TRUE(absl::IsNotFound(ReadFrame(Path(), 4).status()));
}

TEST_F(PcapngWriterTest, AFrameThatWasCutCannotBeTraced) {
  auto writer = PcapngWriter::Create(Path(), 20);
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE(
      (*writer)
          ->Write({.interface = "a", .time_ns = 1, .data = Frame(20), .length = 60, .comment = ""})
          .ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadFrame(Path(), 1).status()));
}

TEST_F(PcapngWriterTest, NamesAFileItCannotWrite) {
  const auto writer = PcapngWriter::Create(directory_ + "/no/a.pcapng", 0);
  EXPECT_TRUE(absl::IsNotFound(writer.status())) << writer.status();
}

}  // namespace
}  // namespace outrider::controller::cli
