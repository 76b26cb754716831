#include "vswitch/datapath/ebpf/delta_writer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "vswitch/datapath/ebpf/absent_row.h"
#include "vswitch/datapath/ebpf/connections.h"
#include "vswitch/datapath/ebpf/counters.h"
#include "vswitch/datapath/ebpf/segment_codec.h"
#include "vswitch/datapath/ebpf/station_sweep.h"

namespace outrider::datapath::ebpf {
namespace {

// Collects what became of a delta's objects.
class Outcome {
 public:
  template <typename Key>
  void Upserted(ObjectKind kind, const Key& key, const absl::Status& status) {
    if (status.ok()) ++result_.written;
    Failed(kind, key, status);
  }
  template <typename Key>
  void Deleted(ObjectKind kind, const Key& key, const absl::Status& status) {
    if (status.ok()) ++result_.deleted;
    Failed(kind, key, status);
  }
  // What failed beside the delta's own objects.
  template <typename Key>
  void Failed(ObjectKind kind, const std::vector<std::pair<Key, absl::Status>>& failures) {
    for (const auto& [key, status] : failures) Failed(kind, key, status);
  }
  ApplyResult Take() { return std::move(result_); }

 private:
  template <typename Key>
  void Failed(ObjectKind kind, const Key& key, const absl::Status& status) {
    if (!status.ok()) result_.failures.push_back({kind, KeyText(key), status});
  }

  ApplyResult result_;
};

class DeltaWriter {
 public:
  explicit DeltaWriter(Pipeline* pipeline) : pipeline_(pipeline) {}

  ApplyResult Apply(const state::StateDelta& delta) {
    // Maps that ports left in an earlier call: its grace period has passed by now.
    if (const absl::Status status = pipeline_->ports.PurgeVlanMaps(); !status.ok()) {
      spdlog::warn("VLAN maps of before may stay until the next change: {}", Message(status));
    }
    // It takes memory, no more, if it stays.
    if (const absl::Status status = pipeline_->ports.RemoveRetired(); !status.ok()) {
      spdlog::warn("limits or addresses of former profiles stay: {}", Message(status));
    }
    const bool learned = ChangesLearners(delta);
    Write(delta);
    Delete(delta);
    // What was heard behind a port goes with it, or with the VLAN it has left.
    const absl::Status forgotten = learned ? ForgetOldStations(pipeline_->maps) : absl::OkStatus();
    if (!forgotten.ok()) {
      spdlog::warn("stations behind former ports stay until the next look: {}", Message(forgotten));
    }
    pipeline_->UnbindUnclaimedDevices();
    pipeline_->ports.EndApply();
    pipeline_->segments.EndApply();
    pipeline_->uplinks.EndApply();
    if (const absl::Status status = pipeline_->groups.EndApply(); !status.ok()) {
      spdlog::warn("groups: rows of no use stay until the next change: {}", Message(status));
    }
    return outcome_.Take();
  }

 private:
  void Write(const state::StateDelta& delta) {
    Pipeline& to = *pipeline_;
    for (const auto& [digest, set] : delta.rule_sets.upserts) {
      outcome_.Upserted(ObjectKind::kRuleSet, digest, to.rule_sets.Upsert(digest, set));
    }
    for (const auto& member : delta.group_members.upserts) {
      outcome_.Upserted(ObjectKind::kGroupMember, member, to.groups.Insert(member));
    }
    for (const Vni& vni : KindByKind(delta)) UpsertSegment(vni, delta);
    for (const auto& [key, mac] : delta.neighbors.upserts) {
      outcome_.Upserted(ObjectKind::kNeighbor, key, to.neighbors.Upsert(key, mac));
    }
    for (const auto& [id, port] : delta.ports.upserts) {
      outcome_.Upserted(ObjectKind::kPort, id, UpsertPort(id, port));
    }
    for (const auto& [id, departure] : delta.departures.upserts) {
      outcome_.Upserted(ObjectKind::kDeparture, id, to.departures.Upsert(id, departure));
    }
    UpsertFdb(delta.fdb.upserts);
    for (const auto& [key, vteps] : delta.multicast_groups.upserts) {
      outcome_.Upserted(ObjectKind::kMulticastGroup, key, to.multicast.Upsert(key, vteps));
    }
    // After the FDB: a port with many VLANs that has moved is found at once, whatever its
    // broadcasts take.
    outcome_.Failed(ObjectKind::kSegment, to.segments.Flush(Leaving(delta)));
  }

  void UpsertFdb(const std::map<state::FdbKey, state::FdbEntry>& entries) {
    std::vector<FdbUpsert> batch;
    for (auto next = entries.begin(); next != entries.end();) {
      batch.clear();
      for (; next != entries.end() && batch.size() < FdbTable::kBatch; ++next) {
        const auto* port = std::get_if<PortId>(&next->second.where);
        batch.push_back({&next->first, &next->second,
                         port == nullptr ? std::nullopt : pipeline_->ports.IndexOf(*port)});
      }
      const auto statuses = pipeline_->fdb.Upsert(batch);
      for (size_t i = 0; i < batch.size(); ++i) {
        outcome_.Upserted(ObjectKind::kFdb, *batch[i].key, statuses[i]);
      }
    }
  }

  void DeleteFdb(std::span<const state::FdbKey> keys) {
    while (!keys.empty()) {
      const auto batch = keys.first(std::min(keys.size(), FdbTable::kBatch));
      const auto statuses = pipeline_->fdb.Delete(batch);
      for (size_t i = 0; i < batch.size(); ++i) {
        outcome_.Deleted(ObjectKind::kFdb, batch[i], statuses[i]);
      }
      keys = keys.subspan(batch.size());
    }
  }

  absl::Status UpsertPort(const PortId& id, const state::Port& port) {
    Pipeline& to = *pipeline_;
    if (const auto index = to.ports.ArrivesAnew(id, port)) {
      RETURN_IF_ERROR(ForgetStay(id, *index));
    }
    absl::Status status = to.ports.Upsert(id, port);
    status.Update(to.departures.FollowPort(id));
    return status;
  }

  // A port whose guest comes back before this host heard that the move away had ended, or after the
  // agent slept over that. What it counted and remembered here the guest has taken along, and
  // brings back: kept, it would count twice, and old connections would stand in the way of new
  // ones. While it is still departed: nothing of its record is given to the guest.
  absl::Status ForgetStay(const PortId& id, uint32_t index) {
    const DatapathMaps& maps = pipeline_->maps;
    RETURN_IF_ERROR(pipeline_->departures.Delete(id));
    RETURN_IF_ERROR(ResetPortCounts(maps, index));
    RETURN_IF_ERROR(DeleteRuleCounts(
        maps, [index](const abi::or_rule_count_key& key) { return key.port == index; }));
    if (!MayHaveConnections(index)) return absl::OkStatus();
    // It gets a new one with its row; whoever reads meanwhile must not take them for ended.
    RETURN_IF_ERROR(OkIfAbsent(maps.connection_counts.Delete(index)));
    return ebpf::SweepConnections(*pipeline_->programs, abi::OR_SWEEP_PORT, index).status();
  }

  // The segments to write, those of one kind together: there is a wait between kinds
  // (segment_table.h).
  static std::vector<Vni> KindByKind(const state::StateDelta& delta) {
    std::vector<std::pair<SegmentKind, Vni>> kinds;
    for (const auto& [vni, segment] : delta.segments.upserts) {
      kinds.emplace_back(KindOf(vni, segment), vni);
    }
    std::sort(kinds.begin(), kinds.end());
    std::vector<Vni> vnis;
    for (const auto& [kind, vni] : kinds) vnis.push_back(vni);
    return vnis;
  }

  void UpsertSegment(const Vni& vni, const state::StateDelta& delta) {
    Pipeline& to = *pipeline_;
    const auto old_mtu = to.segments.Mtu(vni);
    outcome_.Upserted(ObjectKind::kSegment, vni,
                      to.UpsertSegment(vni, delta.segments.upserts.at(vni)));
    // As it is in force, whatever became of the rest.
    const auto mtu = to.segments.Mtu(vni);
    if (old_mtu && mtu && *mtu != *old_mtu) {
      spdlog::info("segment {}: mtu {} instead of {}", vni.ToString(), *mtu, *old_mtu);
      RefreshPorts(vni, delta);
    }
  }

  // Whose lists are of no use any more.
  static std::set<Vni> Leaving(const state::StateDelta& delta) {
    return {delta.segments.deletes.begin(), delta.segments.deletes.end()};
  }

  // Whether ports from which stations were learned change or go.
  bool ChangesLearners(const state::StateDelta& delta) const {
    const PortTable& ports = pipeline_->ports;
    return std::any_of(delta.ports.upserts.begin(), delta.ports.upserts.end(),
                       [&](const auto& port) { return ports.Learns(port.first); }) ||
           std::any_of(delta.ports.deletes.begin(), delta.ports.deletes.end(),
                       [&](const PortId& id) { return ports.Learns(id); });
  }

  // Ports the delta does not mention follow their segment's new MTU; the others are about to.
  void RefreshPorts(const Vni& vni, const state::StateDelta& delta) {
    std::vector<std::pair<PortId, absl::Status>> failures;
    for (auto& failure : pipeline_->ports.RefreshSegment(vni)) {
      if (!delta.ports.upserts.contains(failure.first)) failures.push_back(std::move(failure));
    }
    outcome_.Failed(ObjectKind::kPort, failures);
  }

  void Delete(const state::StateDelta& delta) {
    Pipeline& from = *pipeline_;
    for (const auto& key : delta.multicast_groups.deletes) {
      outcome_.Deleted(ObjectKind::kMulticastGroup, key, from.multicast.Delete(key));
    }
    DeleteFdb(delta.fdb.deletes);
    for (const auto& id : delta.departures.deletes) {
      outcome_.Deleted(ObjectKind::kDeparture, id, from.departures.Delete(id));
    }
    DeletePorts(delta.ports.deletes);
    outcome_.Failed(ObjectKind::kSegment, from.segments.Flush(Leaving(delta)));
    for (const auto& key : delta.neighbors.deletes) {
      outcome_.Deleted(ObjectKind::kNeighbor, key, from.neighbors.Delete(key));
    }
    for (const auto& vni : delta.segments.deletes) {
      outcome_.Deleted(ObjectKind::kSegment, vni, from.DeleteSegment(vni));
    }
    for (const auto& member : delta.group_members.deletes) {
      outcome_.Deleted(ObjectKind::kGroupMember, member, from.groups.Erase(member));
    }
    for (const auto& digest : delta.rule_sets.deletes) {
      outcome_.Deleted(ObjectKind::kRuleSet, digest, DeleteRuleSet(digest));
    }
  }

  // Their connections go with them, before an index is another port's.
  void DeletePorts(const std::vector<PortId>& ids) {
    if (ids.empty()) return;
    Pipeline& from = *pipeline_;
    std::set<uint32_t> gone;
    bool had_connections = false;
    for (const PortId& id : ids) {
      const std::optional<uint32_t> index = AnyIndexOf(id);
      had_connections = had_connections || (index && MayHaveConnections(*index));
      const absl::Status status = DeletePort(id, index);
      if (status.ok() && index) gone.insert(*index);
      outcome_.Deleted(ObjectKind::kPort, id, status);
    }
    const absl::Status counts = DeleteRuleCounts(
        from.maps, [&](const abi::or_rule_count_key& key) { return gone.contains(key.port); });
    if (!counts.ok()) spdlog::warn("counters of deleted ports' rules stay: {}", Message(counts));
    if (!had_connections) {
      // One may have begun since it was looked: that is a matter of the next sweep.
      pipeline_->sweep_anyway = true;
      return;
    }
    absl::Status swept = from.ports.WaitForFrames();
    if (swept.ok()) {
      swept = ebpf::SweepConnections(*from.programs, abi::OR_SWEEP_OVER).status();
    }
    if (!swept.ok()) spdlog::error("connections of deleted ports are left: {}", Message(swept));
  }

  bool MayHaveConnections(uint32_t port) const {
    const auto count = pipeline_->maps.connection_counts.Lookup(port);
    return count.ok() ? *count != 0 : !absl::IsNotFound(count.status());
  }

  absl::Status DeletePort(const PortId& id, const std::optional<uint32_t>& index) {
    RETURN_IF_ERROR(pipeline_->departures.Delete(id));
    if (index) {
      RETURN_IF_ERROR(pipeline_->fdb.DropPort(*index));
      RETURN_IF_ERROR(pipeline_->multicast.DropPort(*index));
    }
    return pipeline_->ports.Delete(id);
  }

  // Also of a port that could not be written: others' rows still name it.
  std::optional<uint32_t> AnyIndexOf(const PortId& id) const {
    if (const auto index = pipeline_->ports.IndexOf(id)) return index;
    const absl::StatusOr<uint32_t> known = FindPortIndex(pipeline_->maps, id);
    return known.ok() ? std::optional(*known) : std::nullopt;
  }

  absl::Status DeleteRuleSet(const Digest& digest) {
    // A port whose new profile was refused is still on it.
    if (pipeline_->ports.UsesRuleSet(digest)) {
      return absl::FailedPreconditionError("rule set " + digest.ToString() +
                                           ": a port still uses it");
    }
    RETURN_IF_ERROR(pipeline_->ports.WaitForFrames());
    return pipeline_->rule_sets.Delete(digest);
  }

  Pipeline* const pipeline_;
  Outcome outcome_;
};

}  // namespace

ApplyResult ApplyDelta(const state::StateDelta& delta, Pipeline* pipeline) {
  return DeltaWriter(pipeline).Apply(delta);
}

}  // namespace outrider::datapath::ebpf
