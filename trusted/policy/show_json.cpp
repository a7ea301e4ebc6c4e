// The compiled tables, mistakes and explanations as JSON.
#include "trusted/policy/json.hpp"
#include "trusted/policy/reach.hpp"
#include "trusted/policy/report.hpp"

namespace sluice::policy {
namespace {

void put_texts(Json& json, std::string_view key, const std::vector<std::string>& texts) {
  json.key(key).open_list();
  for (const std::string& text : texts) json.text(text);
  json.close_list();
}

void put_subject(Json& json, const Subject& subject, const table::Subject& entry) {
  json.open_object();
  json.key("name").text(subject.name).key("label").text(subject.label_text);
  json.key("first_rank").number(entry.first_rank).key("ranks").number(entry.rank_count);
  json.key("world").text(word(subject.world)).key("mpi").text(word(subject.mpi));
  put_texts(json, "run", subject.run);
  json.key("files").open_list();
  for (const FileGrant& grant : subject.files) {
    json.open_object().key("written").text(grant.written).key("path").text(grant.visible.string());
    json.key("access").text(word(grant.access)).close_object();
  }
  json.close_list().key("env").open_object();
  for (const auto& [name, value] : subject.environment) json.key(name).text(value);
  json.close_object();
  if (subject.limits.processes != 0) json.key("processes").number(subject.limits.processes);
  if (subject.limits.memory != 0) json.key("memory_bytes").number(subject.limits.memory);
  json.key("line").number(subject.place.line).close_object();
}

void put_flow(Json& json, const Policy& policy, const table::Flow& flow) {
  json.open_object();
  json.key("from").text(policy.subjects[flow.from].name).key("to").text(policy.subjects[flow.to].name);
  json.key("queue_bytes").number(flow.queue_bytes);
  json.key("segments").number(table::segment_count(policy.table, flow));
  json.key("when_full").text(word(flow.when_full)).key("spill_bytes").number(flow.spill_bytes);
  json.key("path").text(word(flow.path)).key("downgrade");
  if (flow.downgrade.empty()) {
    json.null();
  } else {
    json.text(flow.downgrade);
  }
  json.key("line").number(flow.policy_line).close_object();
}

void put_explanation(Json& json, const Policy& policy, std::uint32_t from, std::uint32_t to) {
  const Explanation why = explain(policy, from, to);
  json.open_object();
  json.key("from").text(policy.subjects[from].name).key("from_label").text(policy.subjects[from].label_text);
  json.key("to").text(policy.subjects[to].name).key("to_label").text(policy.subjects[to].label_text);
  json.key("allowed").boolean(why.allowed).key("cause").text(word(why.cause)).key("line").number(why.line);
  put_texts(json, "failing", why.failing);
  json.key("reason").text(why.reason).key("change");
  if (why.change.empty()) {
    json.null();
  } else {
    json.text(why.change);
  }
  json.close_object();
}

/// What downgrades open beyond their own flows.
void put_reach(Json& json, const Policy& policy) {
  const auto put = [&](std::string_view key, const std::vector<std::uint32_t>& subjects,
                       const std::vector<std::string>& downgrades) {
    std::vector<std::string> names;
    names.reserve(subjects.size());
    for (const std::uint32_t subject : subjects) names.push_back(policy.subjects[subject].name);
    json.open_object();
    put_texts(json, key, names);
    put_texts(json, "downgrades", downgrades);
    json.close_object();
  };
  json.key("detours").open_list();
  for (const Detour& way : detours(policy)) put("way", way, downgrades_on(policy, way));
  json.close_list().key("circles").open_list();
  for (const Circle& circle : circles(policy)) put("subjects", circle, downgrades_in(policy, circle));
  json.close_list();
}

}  // namespace

std::string show_json(const Policy& policy) {
  Json json;
  json.open_object().key("ok").boolean(true).key("policy").text(policy.file.string());
  json.key("ranks").number(policy.table.rank_count()).key("world_size").number(policy.table.world_size());
  json.key("lattice").open_object();
  put_texts(json, "levels", policy.lattice.levels());
  put_texts(json, "compartments", policy.lattice.compartments());
  json.close_object();
  if (!policy.require.empty()) put_texts(json, "require", policy.require);
  json.key("subjects").open_list();
  const auto count = static_cast<std::uint32_t>(policy.subjects.size());
  for (std::uint32_t i = 0; i < count; ++i) put_subject(json, policy.subjects[i], policy.table.subjects[i]);
  json.close_list().key("flows").open_list();
  for (const table::Flow& flow : policy.table.flows) put_flow(json, policy, flow);
  json.close_list().key("decisions").open_list();
  for (std::uint32_t from = 0; from < count; ++from) {
    for (std::uint32_t to = 0; to < count; ++to) {
      if (from != to) put_explanation(json, policy, from, to);
    }
  }
  json.close_list();
  put_reach(json, policy);
  json.close_object();
  return std::move(json).take();
}

std::string refusal_json(const Refusal& refusal, const std::filesystem::path& file) {
  Json json;
  json.open_object().key("ok").boolean(false).key("policy").text(file.string());
  if (refusal.kind == LoadError::unreadable) {
    json.key("unreadable").text(refusal.reason).close_object();
    return std::move(json).take();
  }
  json.key("mistakes").open_list();
  for (const Mistake& mistake : refusal.mistakes) {
    json.open_object().key("line").number(mistake.place.line).key("column").number(mistake.place.column);
    json.key("what").text(mistake.what).key("fix").text(mistake.fix).close_object();
  }
  json.close_list().close_object();
  return std::move(json).take();
}

std::string explain_json(const Policy& policy, std::uint32_t from, std::uint32_t to) {
  Json json;
  put_explanation(json, policy, from, to);
  return std::move(json).take();
}

}  // namespace sluice::policy
