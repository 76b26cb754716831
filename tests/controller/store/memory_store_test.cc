#include "tests/fakes/memory_store.h"

#include "tests/controller/store/store_contract.h"

namespace outrider::controller {
namespace {

struct MemoryTraits {
  std::unique_ptr<Store> Make(uint64_t kept) { return std::make_unique<MemoryStore>(kept); }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, StoreContract, MemoryTraits);

TEST(MemoryStoreTest, RefusedCommitsChangeNothing) {
  MemoryStore store;
  store.RefuseCommits(absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(store.Commit({{}, {PutOp("/a", "1")}}).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store.revision(), 0u);
  store.RefuseCommits(absl::OkStatus());
  EXPECT_TRUE(store.Commit({{}, {PutOp("/a", "1")}}).ok());
}

}  // namespace
}  // namespace outrider::controller
