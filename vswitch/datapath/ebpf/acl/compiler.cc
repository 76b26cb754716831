#include "vswitch/datapath/ebpf/acl/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "vswitch/datapath/ebpf/acl/field_index.h"
#include "vswitch/datapath/ebpf/acl/rule_codec.h"

namespace outrider::datapath::ebpf {
namespace {

static_assert(OR_MAX_RULES >= state::kMaxRules);

using Rules = std::vector<state::AclRule>;

uint64_t EncodeDecision(const state::AclRule& rule) {
  return uint64_t{EncodeAction(rule.action)} |
         uint64_t{std::min<uint32_t>(rule.log_rate, 0xffff)} << OR_ACL_DECISION_LOG_SHIFT |
         uint64_t{rule.number} << OR_ACL_DECISION_NUMBER_SHIFT;
}

using Traits = std::vector<RuleTraits>;

Traits AllTraits(const Rules& rules) {
  Traits traits;
  traits.reserve(rules.size());
  for (const state::AclRule& rule : rules) traits.push_back(TraitsOf(rule));
  return traits;
}

std::vector<abi::or_acl_field> FieldsOf(const Traits& traits) {
  uint32_t named = 0;
  for (const RuleTraits& rule : traits) named |= rule.fields;
  std::vector<abi::or_acl_field> fields;
  for (int i = 0; i < abi::OR_ACL_FIELDS; ++i) {
    if ((named >> i & 1) != 0) fields.push_back(static_cast<abi::or_acl_field>(i));
  }
  return fields;
}

template <typename Predicate>
RuleBitmap Where(const Traits& traits, Predicate predicate) {
  RuleBitmap bitmap;
  for (uint32_t i = 0; i < traits.size(); ++i) {
    if (predicate(traits[i])) bitmap.Add(i);
  }
  return bitmap;
}

template <size_t N>
void CopySummary(const RuleBitmap& bitmap, abi::or_u64 (&summary)[N]) {
  std::copy(bitmap.summary().begin(), bitmap.summary().end(), summary);
}

class Compiler {
 public:
  Compiler(const Digest& digest, const state::RuleSet& set)
      : set_(set), traits_(AllTraits(set.rules)), fields_(FieldsOf(traits_)) {
    // What rules with addresses and ports of their own come to.
    image_.Reserve(8 * set.rules.size());
    image_.Append(OR_ACL_FIRST_DIMENSION + fields_.size());
    abi::or_acl_name name{};
    std::copy(digest.bytes().begin(), digest.bytes().end(), name.digest);
    image_.Write(OR_ACL_NAME_LINE, name);
  }

  // False when the image grows too large.
  bool Run() {
    header_.rules = static_cast<uint32_t>(set_.rules.size());
    header_.dimensions = static_cast<uint32_t>(fields_.size());
    header_.default_decision = EncodeAction(set_.default_action);
    header_.any_lines = fields_.size() > 8 ? 2 : 1;
    header_.any_line = image_.Append(size_t{header_.any_lines} * OR_ACL_BLOCKS);
    for (uint32_t i = 0; i < fields_.size(); ++i) {
      WriteDimension(i);
      if (image_.size() > OR_ACL_MAX_LINES) return false;
    }
    WriteExempt();
    WriteDecisions();
    const std::vector<uint8_t> source = EncodeRules(set_.rules);
    header_.source_bytes = static_cast<uint32_t>(source.size());
    header_.source_line = image_.Append(LinesFor(source.size(), sizeof(abi::or_acl_line)));
    image_.WriteBytes(header_.source_line, source.data(), source.size());
    image_.Write(0, header_);
    return image_.size() <= OR_ACL_MAX_LINES;
  }

  std::vector<abi::or_acl_line> Take() && { return std::move(image_).Take(); }

 private:
  void WriteDimension(uint32_t place) {
    const abi::or_acl_field field = fields_[place];
    abi::or_acl_dimension dimension{};
    dimension.field = static_cast<uint8_t>(field);
    dimension.groups = NamesGroups(field);
    const auto any = Where(traits_, [=](const RuleTraits& rule) { return !rule.names(field); });
    CopySummary(any, dimension.any_summary);
    any.ForEachWord([&](uint32_t block, uint64_t word) {
      image_.SetWord(header_.any_line + block * header_.any_lines, place, word);
    });
    dimension.absent = image_.Record({});
    dimension.hidden = image_.Record(
        Where(traits_, [=](const RuleTraits& rule) { return rule.names(field) && rule.denies; }));
    const std::vector<Interval> classes = FindClasses(set_.rules, traits_, field, &image_);
    if (HasWideKeys(field)) {
      WriteTree(classes, &image_, &dimension);
    } else {
      WriteTable(classes, &image_, &dimension);
    }
    image_.Write(OR_ACL_FIRST_DIMENSION + place, dimension);
  }

  bool NamesGroups(abi::or_acl_field field) const {
    if (field != abi::OR_ACL_SRC_ADDRESS && field != abi::OR_ACL_DST_ADDRESS) return false;
    return std::any_of(set_.rules.begin(), set_.rules.end(),
                       [field](const auto& rule) { return !GroupOf(rule, field).empty(); });
  }

  void WriteExempt() {
    const RuleBitmap exempt =
        Where(traits_, [](const RuleTraits& rule) { return rule.decides_on_exempt; });
    CopySummary(exempt, header_.exempt_summary);
    header_.exempt_line = image_.Append(LinesFor(OR_ACL_BLOCKS, 8));
    exempt.ForEachWord(
        [&](uint32_t block, uint64_t word) { image_.SetWord(header_.exempt_line, block, word); });
  }

  void WriteDecisions() {
    header_.decision_line = image_.Append(LinesFor(set_.rules.size(), 8));
    for (size_t i = 0; i < set_.rules.size(); ++i) {
      image_.SetWord(header_.decision_line, i, EncodeDecision(set_.rules[i]));
    }
  }

  const state::RuleSet& set_;
  const Traits traits_;
  const std::vector<abi::or_acl_field> fields_;
  abi::or_acl_header header_{};
  Image image_;
};

}  // namespace

absl::StatusOr<std::vector<abi::or_acl_line>> CompileRuleSet(const Digest& digest,
                                                             const state::RuleSet& set) {
  if (set.rules.size() > OR_MAX_RULES) {
    return absl::ResourceExhaustedError(
        fmt::format("rule set {}: {} rules, at most {} fit; split or shorten the profile's list",
                    digest.ToString(), set.rules.size(), OR_MAX_RULES));
  }
  Compiler compiler(digest, set);
  if (!compiler.Run()) {
    return absl::ResourceExhaustedError(
        fmt::format("rule set {}: compiled it exceeds {} MiB; its ranges of ports overlap too much",
                    digest.ToString(), OR_ACL_MAX_LINES / 16384));
  }
  return std::move(compiler).Take();
}

GroupRules FindGroupRules(const state::RuleSet& set) {
  GroupRules found;
  for (uint32_t i = 0; i < set.rules.size(); ++i) {
    const state::AclRule& rule = set.rules[i];
    if (!rule.src_group.empty()) found.source[rule.src_group].Add(i);
    if (!rule.dst_group.empty()) found.destination[rule.dst_group].Add(i);
  }
  return found;
}

}  // namespace outrider::datapath::ebpf
