#include "tests/ovs/test_database.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>

namespace outrider::ovs {
namespace {

using ovsdb::Json;
using ovsdb::Uuid;

constexpr size_t kUuidLength = 36;

constexpr char kSchema[] = R"({"name":"T","version":"1.2.3","tables":{
  "Root":{"isRoot":true,"indexes":[["name"]],"columns":{
    "name":{"type":"string","mutable":false},
    "num":{"type":"integer"},
    "real":{"type":"real"},
    "flag":{"type":"boolean"},
    "u":{"type":"uuid"},
    "i":{"type":{"key":{"type":"integer","minInteger":-10,"maxInteger":10},"min":0}},
    "is":{"type":{"key":{"type":"integer","minInteger":0,"maxInteger":1000},
                  "min":0,"max":"unlimited"}},
    "is3":{"type":{"key":"integer","min":0,"max":3}},
    "e":{"type":{"key":{"type":"string","enum":["set",["red","green","true"]]},"min":0}},
    "ss":{"type":{"key":"string","min":0,"max":"unlimited"}},
    "s1":{"type":{"key":"string","min":1,"max":"unlimited"}},
    "m":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
    "m2":{"type":{"key":"string","value":{"type":"integer","minInteger":0,"maxInteger":9},
                  "min":0,"max":2}},
    "eph":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"},"ephemeral":true},
    "child":{"type":{"key":{"type":"uuid","refTable":"Child"},"min":0,"max":"unlimited"}},
    "cmap":{"type":{"key":"string","value":{"type":"uuid","refTable":"Child"},
                    "min":0,"max":"unlimited"}},
    "weak":{"type":{"key":{"type":"uuid","refTable":"Child","refType":"weak"},
                    "min":0,"max":"unlimited"}},
    "wmap":{"type":{"key":{"type":"uuid","refTable":"Child","refType":"weak"},"value":"string",
                    "min":0,"max":"unlimited"}},
    "both":{"type":{"key":{"type":"uuid","refTable":"Child","refType":"weak"},
                    "value":{"type":"uuid","refTable":"Child"},"min":0,"max":"unlimited"}}}},
  "Child":{"indexes":[["name"]],"columns":{
    "name":{"type":"string"},
    "sub":{"type":{"key":{"type":"uuid","refTable":"Child"},"min":0,"max":"unlimited"}}}},
  "One":{"isRoot":true,"maxRows":1,"columns":{"x":{"type":"integer"}}},
  "Two":{"isRoot":true,"indexes":[["x","y"]],"columns":{
    "x":{"type":"integer"},"y":{"type":"integer"},"z":{"type":"integer"}}},
  "Need":{"isRoot":true,"columns":{
    "w":{"type":{"key":{"type":"uuid","refTable":"Root","refType":"weak"},"min":1,"max":2}}}}}})";

// The identifier that begins at a position of a text.
std::optional<Uuid> UuidAt(const std::string& text, size_t at) {
  if (at + kUuidLength > text.size() || text[at + 8] != '-') return std::nullopt;
  return Uuid::Parse(text.substr(at, kUuidLength));
}

}  // namespace

const ovsdb::DatabaseSchema& TestSchema() {
  static const ovsdb::DatabaseSchema schema = *ovsdb::SchemaFromJson(Json::parse(kSchema));
  return schema;
}

TestDatabase::TestDatabase() {
  const absl::Status opened = Reopen();
  if (opened.ok()) return;
  std::cerr << opened << "\n";
  std::abort();
}

absl::Status TestDatabase::Reopen() {
  auto database = Database::Open(TestSchema(), &store_);
  if (!database.ok()) return database.status();
  database_ = *std::move(database);
  return absl::OkStatus();
}

std::string TestDatabase::WithUuids(const std::string& text) const {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      result += text[i];
      continue;
    }
    size_t number = 0;
    while (i + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[i + 1])) != 0) {
      number = number * 10 + static_cast<size_t>(text[++i] - '0');
    }
    result += "[\"uuid\",\"" + named_.at(number).ToString() + "\"]";
  }
  return result;
}

std::string TestDatabase::WithNames(const std::string& text) const {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const std::optional<Uuid> uuid = UuidAt(text, i);
    if (!uuid) {
      result += text[i++];
      continue;
    }
    const auto at = std::find(named_.begin(), named_.end(), *uuid);
    const std::string known = uuid->ToString();
    if (at != named_.end()) {
      result += "$" + std::to_string(at - named_.begin());
    } else {
      result += known == kNoRow || known == kZeroUuid ? known : "?";
    }
    i += kUuidLength;
  }
  return result;
}

Outcome TestDatabase::Transact(const std::string& text, const Database::Options& options) {
  Outcome outcome = database_->Transact(Json::parse("[" + WithUuids(text) + "]"), options);
  for (const Json& result : outcome.results) {
    if (!result.is_object() || !result.contains("uuid")) continue;
    named_.push_back(*Uuid::Parse(result["uuid"][1].get<std::string>()));
  }
  return outcome;
}

std::string TestDatabase::Do(const std::string& text) {
  return WithNames(ovsdb::ToText(Transact(text).results));
}

std::string TestDatabase::Rows(const std::string& table, const std::string& columns) {
  const Outcome outcome =
      database_->Transact(Json::parse(R"([{"op":"select","where":[],"table":")" + table +
                                      R"(","columns":[)" + columns + "]}]"),
                          {});
  std::vector<std::string> rows;
  for (const Json& row : outcome.results[0]["rows"]) rows.push_back(WithNames(ovsdb::ToText(row)));
  std::sort(rows.begin(), rows.end());
  std::string text;
  for (const std::string& row : rows) text += row;
  return text;
}

}  // namespace outrider::ovs
