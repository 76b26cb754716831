#include "tests/controller/cli/scripted_peer.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <utility>

#include "outrider/v1/agent.pb.h"
#include "outrider/v1/api.pb.h"

namespace outrider::controller::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  (void)buffer.Dump(&slices);
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

std::unique_ptr<Message> NewMessage(const Descriptor* type) {
  const auto* factory = google::protobuf::MessageFactory::generated_factory();
  return std::unique_ptr<Message>(
      const_cast<google::protobuf::MessageFactory*>(factory)->GetPrototype(type)->New());
}

// Null when `text` is not of the type; the script is at fault then.
std::unique_ptr<Message> ParseText(const Descriptor* type, const std::string& text) {
  std::unique_ptr<Message> message = NewMessage(type);
  if (!google::protobuf::TextFormat::ParseFromString(text, message.get())) return nullptr;
  return message;
}

// The generated pool knows a file once its code is linked in, which naming a message sees to.
const MethodDescriptor* FindMethod(const std::string& path) {
  v1::ListRequest::descriptor();
  v1::GetAgentStatusRequest::descriptor();
  const size_t slash = path.rfind('/');
  const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
      "outrider.v1." + path.substr(0, slash));
  return service == nullptr ? nullptr : service->FindMethodByName(path.substr(slash + 1));
}

}  // namespace

// One call: reads the request, asks the script, writes the answers, finishes. Deletes itself.
class ScriptedPeer::Reactor : public grpc::ServerGenericBidiReactor {
 public:
  Reactor(ScriptedPeer* peer, std::string path) : peer_(peer), path_(std::move(path)) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::INTERNAL, "no request"));
    answer_ = peer_->Take(path_, request_);
    WriteNext();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return FinishOnce(grpc::Status::CANCELLED);
    WriteNext();
  }

  void OnCancel() override {
    if (answer_.stall) FinishOnce(grpc::Status::CANCELLED);
  }

  void OnDone() override { delete this; }

 private:
  void WriteNext() {
    if (next_ == answer_.replies.size()) {
      if (!answer_.stall) FinishOnce(answer_.status);
      return;
    }
    StartWrite(&answer_.replies[next_++]);
  }

  void FinishOnce(const grpc::Status& status) {
    if (!std::exchange(finished_, true)) Finish(status);
  }

  ScriptedPeer* const peer_;
  const std::string path_;
  grpc::ByteBuffer request_;
  Answer answer_;
  size_t next_ = 0;
  bool finished_ = false;
};

ScriptedPeer::ScriptedPeer(const std::string& path, std::vector<ScriptedCall> script)
    : script_(script.begin(), script.end()) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
  builder.RegisterCallbackGenericService(this);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) problems_ += fmt::format("cannot listen on {}\n", path);
}

ScriptedPeer::~ScriptedPeer() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

std::string ScriptedPeer::Problems() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::string problems = problems_;
  for (const ScriptedCall& call : script_) problems += "never came: " + call.method + "\n";
  return problems;
}

grpc::ServerGenericBidiReactor* ScriptedPeer::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  constexpr char kPackage[] = "/outrider.v1.";
  std::string path = context->method();
  if (path.rfind(kPackage, 0) == 0) path.erase(0, sizeof(kPackage) - 1);
  return new Reactor(this, path);
}

ScriptedPeer::Answer ScriptedPeer::Refuse(const std::string& problem) {
  problems_ += problem + "\n";
  Answer answer;
  answer.status = grpc::Status(grpc::StatusCode::UNIMPLEMENTED, problem);
  return answer;
}

ScriptedPeer::Answer ScriptedPeer::Take(const std::string& path, const grpc::ByteBuffer& request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (script_.empty()) return Refuse("not in the script: " + path);
  const ScriptedCall call = script_.front();
  script_.pop_front();
  const MethodDescriptor* method = FindMethod(path);
  if (call.method != path || method == nullptr) {
    return Refuse(fmt::format("expected {}, got {}", call.method, path));
  }
  const auto expected = ParseText(method->input_type(), call.request);
  const auto got = NewMessage(method->input_type());
  if (expected == nullptr) return Refuse("the script's request is no " + path);
  if (!got->ParseFromString(BytesOf(request)) ||
      !google::protobuf::util::MessageDifferencer::Equals(*expected, *got)) {
    return Refuse(fmt::format("{}: expected {{{}}}, got {{{}}}", path, expected->ShortDebugString(),
                              got->ShortDebugString()));
  }
  Answer answer;
  for (const std::string& text : call.replies) {
    const auto reply = ParseText(method->output_type(), text);
    if (reply == nullptr) return Refuse(fmt::format("the script's reply is no {}: {}", path, text));
    const grpc::Slice slice(reply->SerializeAsString());
    answer.replies.emplace_back(&slice, 1);
  }
  answer.status = call.status;
  answer.stall = call.stall;
  return answer;
}

}  // namespace outrider::controller::cli
