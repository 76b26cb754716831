// The beginning of a session: who may have one, what the host says of itself, and where to go on
// from.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "controller/model/names.h"
#include "controller/model/one_line.h"
#include "controller/model/underlay.h"
#include "controller/model/validate.h"
#include "controller/pki/audit.h"
#include "controller/pki/enrollment.h"
#include "controller/session/session_hub.h"

namespace outrider::controller {
namespace {

constexpr uint32_t kMaxTcpPort = 65535;

// Whether the agent says anything new of its host.
bool SameReport(const v1::Host& a, const v1::Host& b) {
  return a.underlay_mtu() == b.underlay_mtu() && a.datapath() == b.datapath() &&
         a.agent_version() == b.agent_version() && a.peer_port() == b.peer_port() &&
         std::equal(a.vteps().begin(), a.vteps().end(), b.vteps().begin(), b.vteps().end()) &&
         std::equal(a.uplinks().begin(), a.uplinks().end(), b.uplinks().begin(), b.uplinks().end());
}

}  // namespace

absl::Status SessionHub::HandleHello(SessionId id, HostSession& session, const v1::Hello& hello) {
  const std::string& host = session.host();
  if (const absl::Status status = CheckHello(session, hello); !status.ok()) {
    return AuditRefused(fmt::format("session of host \"{}\" from {}", host, session.peer()),
                        status);
  }
  // From here on nothing refuses the session, so the one before it may go.
  Replace(session);
  by_host_[host] = id;
  driver_->OnHostConnected(host);
  RETURN_IF_ERROR(Reconcile(session, hello));
  FindMisfits(session);
  const auto kept = kept_.find(host);
  const bool resumed = session.Start(hello, kCountersIntervalS,
                                     kept == kept_.end() ? GenerationState() : kept->second);
  kept_.erase(host);
  {
    const std::lock_guard lock(stats_mutex_);
    stats_.connected = static_cast<uint32_t>(by_host_.size());
    ++(resumed ? stats_.resumed : stats_.snapshots);
  }
  AuditGranted(fmt::format("session of host \"{}\" from {}", host, session.peer()));
  spdlog::info("host \"{}\": connected, {} at generation {}", host,
               resumed ? "resumes" : "gets a snapshot", session.feed().sent().generation);
  UpdatePresence(session, /*publish=*/true);
  // Whoever gets the Welcome may rely on what is said of it above.
  session.MarkDirty();
  AfterProgress(session, clock_->NowUs());
  return absl::OkStatus();
}

absl::Status SessionHub::CheckHello(const HostSession& session, const v1::Hello& hello) {
  if (hello.host_id() != session.host()) {
    const std::string said = OneLine(hello.host_id());
    return absl::PermissionDeniedError(fmt::format(
        "the certificate is of host \"{}\", the Hello of host \"{}\"; give each host an "
        "identity of its own with `outrider host enroll {}`",
        session.host(), said, said));
  }
  RETURN_IF_ERROR(repository_->Read([&](const Model& model) {
    return CheckEnrolled(model.Find<v1::Host>(session.host()), session.identity());
  }));
  RETURN_IF_ERROR(CheckRival(session, hello));
  return RecordHost(session, hello);
}

absl::Status SessionHub::CheckRival(const HostSession& session, const v1::Hello& hello) {
  const auto found = by_host_.find(session.host());
  if (found == by_host_.end()) return absl::OkStatus();
  const HostSession& rival = *sessions_.at(found->second);
  const bool same_agent =
      !hello.instance_id().empty() && rival.instance_id() == hello.instance_id();
  const bool silent = clock_->NowUs() - rival.last_heard_us() > kSilenceUs;
  if (same_agent || silent) return absl::OkStatus();
  return absl::PermissionDeniedError(
      fmt::format("another agent, at {}, is connected as host \"{}\"; stop it, or give this one an "
                  "identity of its own with `outrider host enroll`",
                  rival.peer(), session.host()));
}

// What the agent says of its host goes into the model when it is sound: an end point another host
// has would draw that host's traffic here.
absl::Status SessionHub::RecordHost(const HostSession& session, const v1::Hello& hello) {
  const auto stage = [&](const Model& model, Transaction* transaction) -> absl::Status {
    const v1::Host* present = model.Find<v1::Host>(session.host());
    if (present == nullptr) return Repository::NotFound(Kind::kHost, session.host());
    v1::Host host = *present;
    *host.mutable_vteps() = hello.vteps();
    *host.mutable_uplinks() = hello.uplinks();
    host.set_underlay_mtu(hello.underlay_mtu());
    host.set_peer_port(hello.peer_port() <= kMaxTcpPort ? hello.peer_port() : 0);
    host.set_datapath(OneLine(hello.datapath()));
    host.set_agent_version(OneLine(hello.agent_version()));
    Normalize(&host);
    if (SameReport(*present, host)) return absl::OkStatus();
    RETURN_IF_ERROR(Validate(model, host));
    transaction->Put(std::move(host));
    return absl::OkStatus();
  };
  return repository_->Transact(stage).status();
}

void SessionHub::FindMisfits(HostSession& session) {
  const std::string& host = session.host();
  session.misfits() = repository_->Read([&](const Model& model) {
    NameSet segments;
    for (const std::string& port : model.index().ports_located_at.Get(host)) {
      segments.merge(model.SegmentsOf(*model.Find<v1::Port>(port)));
    }
    std::erase_if(segments, [&](const std::string& segment) {
      const absl::Status status = CheckUnderlayFits(model, segment, host);
      if (!status.ok()) spdlog::warn("{}; its ports stay as they are", Message(status));
      return status.ok();
    });
    return segments;
  });
}

void SessionHub::AddMisfits(HostSession& session, HostSession::Failures* failures) const {
  if (session.misfits().empty()) return;
  std::set<std::string> failed;
  for (const v1::ObjectFailure& failure : *failures) failed.insert(ToLower(failure.key()));
  repository_->Read([&](const Model& model) {
    std::erase_if(session.misfits(), [&](const std::string& segment) {
      const absl::Status status = CheckUnderlayFits(model, segment, session.host());
      if (status.ok()) return true;
      for (const std::string& port :
           model.index().ports_of_segment_at.Get(PairKey(segment, session.host()))) {
        if (!failed.insert(port).second) continue;
        v1::ObjectFailure* failure = failures->Add();
        failure->set_kind("port");
        failure->set_key(port);
        failure->set_message(Message(status));
      }
      return false;
    });
  });
}

void SessionHub::Replace(const HostSession& session) {
  const auto found = by_host_.find(session.host());
  if (found == by_host_.end()) return;
  const SessionId old_id = found->second;
  const SessionPtr old = Find(old_id);
  AuditGranted(fmt::format("session of host \"{}\" from {} takes the place of the one from {}",
                           session.host(), session.peer(), old->peer()));
  old->stream().Close(absl::AbortedError("a newer session of this host took its place"));
  Forget(old_id, /*host_lost=*/false);
}

}  // namespace outrider::controller
