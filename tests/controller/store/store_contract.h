// What every Store promises. Instantiate with a traits type:
//   struct Traits { std::unique_ptr<Store> Make(uint64_t kept_revisions); };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Name, StoreContract, Traits);
#ifndef OUTRIDER_TESTS_CONTROLLER_STORE_STORE_CONTRACT_H_
#define OUTRIDER_TESTS_CONTROLLER_STORE_STORE_CONTRACT_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "controller/store/store.h"

namespace outrider::controller {

inline Op PutOp(const std::string& key, const std::string& value) {
  return {Op::Kind::kPut, key, value};
}
inline Op DeleteOp(const std::string& key) { return {Op::Kind::kDelete, key, {}}; }

inline std::optional<KeyValue> FindKey(Store* store, const std::string& key) {
  const auto range = store->Range(key);
  EXPECT_TRUE(range.ok()) << range.status();
  // The key itself is the first of those that begin with it.
  if (!range.ok() || range->items.empty() || range->items.front().key != key) return std::nullopt;
  return range->items.front();
}

template <typename Traits>
class StoreContract : public testing::Test {
 protected:
  static constexpr uint64_t kKept = 20;

  uint64_t Commit(std::vector<Compare> compares, std::vector<Op> ops) {
    const auto revision = store_->Commit({std::move(compares), std::move(ops)});
    EXPECT_TRUE(revision.ok()) << revision.status();
    return revision.value_or(0);
  }
  absl::StatusCode Refusal(std::vector<Compare> compares, std::vector<Op> ops) {
    const uint64_t before = store_->revision();
    const auto revision = store_->Commit({std::move(compares), std::move(ops)});
    EXPECT_EQ(store_->revision(), before) << "a refused commit has no revision";
    return revision.status().code();
  }
  std::optional<KeyValue> Get(const std::string& key) { return FindKey(store_.get(), key); }
  RangeResult Range(const std::string& prefix) {
    const auto result = store_->Range(prefix);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(RangeResult());
  }

  Traits traits_;
  std::unique_ptr<Store> store_ = traits_.Make(kKept);
};

TYPED_TEST_SUITE_P(StoreContract);

TYPED_TEST_P(StoreContract, NewStoreIsEmpty) {
  EXPECT_EQ(this->store_->revision(), 0u);
  EXPECT_EQ(this->store_->store_id().size(), 36u);
  EXPECT_TRUE(this->Range("").items.empty());
  EXPECT_EQ(this->Get("/a"), std::nullopt);
  EXPECT_TRUE(this->store_->ChangesSince(0).value().empty());
}

TYPED_TEST_P(StoreContract, PutGetDelete) {
  EXPECT_EQ(this->Commit({}, {PutOp("/a", "1")}), 1u);
  EXPECT_EQ(this->Get("/a"), (KeyValue{"/a", "1", 1, 1}));
  EXPECT_EQ(this->Commit({}, {PutOp("/a", "2")}), 2u);
  EXPECT_EQ(this->Get("/a"), (KeyValue{"/a", "2", 1, 2}));
  EXPECT_EQ(this->Commit({}, {DeleteOp("/a")}), 3u);
  EXPECT_EQ(this->Get("/a"), std::nullopt);
  EXPECT_EQ(this->Commit({}, {PutOp("/a", "3")}), 4u);
  EXPECT_EQ(this->Get("/a"), (KeyValue{"/a", "3", 4, 4})) << "created anew";
}

TYPED_TEST_P(StoreContract, ValuesAreBytes) {
  const std::string value("\0\xff\n'\"", 5);
  this->Commit({}, {PutOp("/a", value), PutOp("/b", "")});
  EXPECT_EQ(this->Get("/a")->value, value);
  EXPECT_EQ(this->Get("/b")->value, "");
}

TYPED_TEST_P(StoreContract, ComparesGuardTheCommit) {
  this->Commit({{"/a", 0}}, {PutOp("/a", "1")});
  EXPECT_EQ(this->Refusal({{"/a", 0}}, {PutOp("/a", "2")}), absl::StatusCode::kAborted);
  EXPECT_EQ(this->Refusal({{"/a", 7}}, {PutOp("/a", "2")}), absl::StatusCode::kAborted);
  EXPECT_EQ(this->Refusal({{"/b", 1}}, {PutOp("/a", "2")}), absl::StatusCode::kAborted);
  EXPECT_EQ(this->Commit({{"/a", 1}, {"/b", 0}}, {PutOp("/a", "2")}), 2u);
}

TYPED_TEST_P(StoreContract, AbortedNamesTheKey) {
  this->Commit({}, {PutOp("/a", "1"), PutOp("/b", "1")});
  const auto result = this->store_->Commit({{{"/a", 1}, {"/b", 9}}, {PutOp("/a", "2")}});
  EXPECT_EQ(std::string(result.status().message()), "\"/b\" is at revision 1, not 9");
}

TYPED_TEST_P(StoreContract, AllOpsOrNone) {
  this->Commit({}, {PutOp("/a", "1"), PutOp("/b", "1")});
  EXPECT_EQ(this->Refusal({{"/c", 1}}, {PutOp("/a", "2"), DeleteOp("/b"), PutOp("/d", "2")}),
            absl::StatusCode::kAborted);
  EXPECT_EQ(this->Get("/a")->value, "1");
  EXPECT_TRUE(this->Get("/b").has_value());
  EXPECT_EQ(this->Get("/d"), std::nullopt);
  const uint64_t revision = this->Commit({}, {PutOp("/a", "2"), DeleteOp("/b"), PutOp("/d", "2")});
  EXPECT_EQ(this->Get("/a")->mod_revision, revision);
  EXPECT_EQ(this->Get("/d")->mod_revision, revision);
  EXPECT_EQ(this->Get("/b"), std::nullopt);
}

TYPED_TEST_P(StoreContract, CommitNeedsOps) {
  EXPECT_EQ(this->Refusal({}, {}), absl::StatusCode::kInvalidArgument);
}

TYPED_TEST_P(StoreContract, RangeIsByPrefixInOrder) {
  this->Commit({}, {PutOp("/p/b", "2"), PutOp("/p/a", "1"), PutOp("/q/a", "3"), PutOp("/p", "4"),
                    PutOp("/p/\xff", "5"), PutOp("/p0", "6")});
  std::vector<std::string> keys;
  for (const KeyValue& item : this->Range("/p/").items) keys.push_back(item.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"/p/a", "/p/b", "/p/\xff"}));
  EXPECT_EQ(this->Range("/p/").revision, 1u);
  EXPECT_EQ(this->Range("").items.size(), 6u);
  EXPECT_TRUE(this->Range("/z").items.empty());
}

TYPED_TEST_P(StoreContract, ChangesSinceARevision) {
  this->Commit({}, {PutOp("/a", "1")});
  this->Commit({}, {PutOp("/a", "2"), PutOp("/b", "2")});
  this->Commit({}, {DeleteOp("/a")});
  const auto events = this->store_->ChangesSince(1).value();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].revision, 2u);
  EXPECT_EQ(events[0].item, (KeyValue{"/a", "2", 1, 2}));
  EXPECT_EQ(events[1].item, (KeyValue{"/b", "2", 2, 2}));
  EXPECT_EQ(events[2].revision, 3u);
  EXPECT_EQ(events[2].kind, Op::Kind::kDelete);
  EXPECT_EQ(events[2].item, (KeyValue{"/a", "", 0, 0}));
  EXPECT_TRUE(this->store_->ChangesSince(3).value().empty());
}

TYPED_TEST_P(StoreContract, DeletingWhatIsNotThereIsNoChange) {
  EXPECT_EQ(this->Commit({}, {DeleteOp("/a")}), 1u);
  EXPECT_TRUE(this->store_->ChangesSince(0).value().empty());
}

TYPED_TEST_P(StoreContract, OldChangesAreForgotten) {
  for (uint64_t i = 1; i <= 50; ++i) this->Commit({}, {PutOp("/a", std::to_string(i))});
  EXPECT_EQ(this->store_->ChangesSince(30).value().size(), 20u);
  EXPECT_EQ(this->store_->ChangesSince(29).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(this->store_->ChangesSince(51).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(this->Get("/a")->value, "50") << "objects are not";
}

TYPED_TEST_P(StoreContract, ConcurrentWritersNeverLoseAnUpdate) {
  this->Commit({}, {PutOp("/n", "0")});
  constexpr int kThreads = 4;
  constexpr int kIncrements = 25;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int done = 0; done < kIncrements;) {
        const KeyValue present = this->Get("/n").value();
        const auto revision =
            this->store_->Commit({{{"/n", present.mod_revision}},
                                  {PutOp("/n", std::to_string(std::stoi(present.value) + 1))}});
        if (revision.ok()) ++done;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(this->Get("/n")->value, std::to_string(kThreads * kIncrements));
}

// Against the obvious map, over random transactions.
TYPED_TEST_P(StoreContract, RandomCommitsEqualAMap) {
  std::mt19937 random(7);
  std::map<std::string, KeyValue> expected;
  uint64_t revision = 0;
  for (int step = 0; step < 300; ++step) {
    Txn txn;
    bool holds = true;
    std::map<std::string, KeyValue> next = expected;
    for (const char* key : {"/a", "/b", "/c", "/d"}) {
      const bool there = expected.contains(key);
      const uint64_t mod = there ? expected[key].mod_revision : 0;
      if (random() % 3 == 0) {
        const bool lie = random() % 6 == 0;
        txn.compares.push_back({key, lie ? mod + 1 : mod});
        holds &= !lie;
      }
      const auto choice = random() % 3;
      if (choice == 0) {
        const std::string value = std::to_string(random() % 100);
        txn.ops.push_back(PutOp(key, value));
        next[key] = {key, value, there ? expected[key].create_revision : revision + 1,
                     revision + 1};
      } else if (choice == 1) {
        txn.ops.push_back(DeleteOp(key));
        next.erase(key);
      }
    }
    if (txn.ops.empty()) continue;
    const auto committed = this->store_->Commit(txn);
    ASSERT_EQ(committed.ok(), holds) << committed.status();
    if (holds) {
      expected = next;
      ++revision;
    }
    std::vector<KeyValue> items;
    for (const auto& [key, item] : expected) items.push_back(item);
    ASSERT_EQ(this->Range("/").items, items);
    ASSERT_EQ(this->store_->revision(), revision);
  }
}

REGISTER_TYPED_TEST_SUITE_P(StoreContract, NewStoreIsEmpty, PutGetDelete, ValuesAreBytes,
                            ComparesGuardTheCommit, AbortedNamesTheKey, AllOpsOrNone,
                            CommitNeedsOps, RangeIsByPrefixInOrder, ChangesSinceARevision,
                            DeletingWhatIsNotThereIsNoChange, OldChangesAreForgotten,
                            ConcurrentWritersNeverLoseAnUpdate, RandomCommitsEqualAMap);

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_STORE_STORE_CONTRACT_H_
