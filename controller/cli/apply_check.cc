#include "controller/cli/apply_check.h"

#include <fmt/format.h>

#include <memory>

#include "controller/model/model.h"
#include "controller/model/status.h"
#include "controller/model/validate.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

template <typename Object>
void Put(Object object, Model* model) {
  model->Apply(model->revision() + 1,
               MakePut<Object>(*model, std::make_shared<const Object>(std::move(object))));
}

// Objects of one kind, as the controller has them now.
template <typename Service>
absl::Status Fetch(Client* client, Model* model) {
  ASSIGN_OR_RETURN(auto list, client->Call(&Service::Stub::List, v1::ListRequest()));
  for (auto& object : *list.mutable_items()) Put(std::move(object), model);
  return absl::OkStatus();
}

// Kinds a rule about segments, groups, profiles and gateways can look at.
absl::Status FetchAll(Client* client, Model* model) {
  RETURN_IF_ERROR(Fetch<v1::SegmentService>(client, model));
  RETURN_IF_ERROR(Fetch<v1::AddressGroupService>(client, model));
  RETURN_IF_ERROR(Fetch<v1::PortGroupService>(client, model));
  RETURN_IF_ERROR(Fetch<v1::ProfileService>(client, model));
  RETURN_IF_ERROR(Fetch<v1::HostService>(client, model));
  RETURN_IF_ERROR(Fetch<v1::GatewayService>(client, model));
  return Fetch<v1::PortService>(client, model);
}

// As the controller would: canonical form first, then the rules, then it is there for the next one.
template <typename Object>
absl::Status CheckAndPut(const google::protobuf::Message& message, Model* model) {
  Object object = static_cast<const Object&>(message);
  Normalize(&object);
  RETURN_IF_ERROR(Validate(*model, object));
  Put(std::move(object), model);
  return absl::OkStatus();
}

absl::Status CheckOne(const YamlDocument& document, Model* model) {
  if (document.kind == "Segment") return CheckAndPut<v1::Segment>(*document.object, model);
  if (document.kind == "AddressGroup")
    return CheckAndPut<v1::AddressGroup>(*document.object, model);
  if (document.kind == "PortGroup") return CheckAndPut<v1::PortGroup>(*document.object, model);
  if (document.kind == "Gateway") return CheckAndPut<v1::Gateway>(*document.object, model);
  return CheckAndPut<v1::Profile>(*document.object, model);
}

}  // namespace

absl::Status CheckTogether(Client* client, const std::string& file,
                           const std::vector<YamlDocument>& documents) {
  Model model;
  RETURN_IF_ERROR(FetchAll(client, &model));
  for (const YamlDocument& document : documents) {
    const absl::Status status = CheckOne(document, &model);
    if (!status.ok()) return Annotate(status, fmt::format("{}:{}", file, document.line));
  }
  return absl::OkStatus();
}

}  // namespace outrider::controller::cli
