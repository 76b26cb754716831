// Random objects of the kinds a YAML file may hold, from their descriptors: every field a user may
// set, within its range, set or not. For tests; the same seed gives the same objects.
#ifndef OUTRIDER_TESTS_CONTROLLER_CLI_OBJECT_GENERATOR_H_
#define OUTRIDER_TESTS_CONTROLLER_CLI_OBJECT_GENERATOR_H_

#include <google/protobuf/message.h>

#include <memory>
#include <random>
#include <string>

namespace outrider::controller::cli {

class ObjectGenerator {
 public:
  explicit ObjectGenerator(uint32_t seed) : random_(seed) {}

  // `kind` is one of YamlKinds().
  std::unique_ptr<google::protobuf::Message> Next(const std::string& kind);

 private:
  uint64_t Number(uint64_t min, uint64_t max);
  bool Chance(int percent) { return Number(1, 100) <= static_cast<uint64_t>(percent); }
  std::string Text();
  void Fill(google::protobuf::Message* message);
  void Set(google::protobuf::Message* message, const google::protobuf::FieldDescriptor& field);

  std::mt19937 random_;
};

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_TESTS_CONTROLLER_CLI_OBJECT_GENERATOR_H_
