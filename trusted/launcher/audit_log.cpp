#include "trusted/launcher/audit_log.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>

#include "trusted/launcher/digest.hpp"
#include "trusted/launcher/operator_text.hpp"
#include "trusted/policy/report.hpp"
#include "trusted/table/table.hpp"

namespace sluice::launcher {
namespace {

std::string digest_of(const table::RunTable& table) {
  const std::vector<std::byte> encoded = table::encode(table);
  return sha256({reinterpret_cast<const char*>(encoded.data()), encoded.size()});
}

std::string json_string(std::string_view text) { return "\"" + json_text(text) + "\""; }

std::string now_utc() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const auto seconds = static_cast<std::time_t>(micros / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> date{};
  (void)std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 48> text{};
  (void)std::snprintf(text.data(), text.size(), "%s.%06ldZ", date.data(), static_cast<long>(micros % 1'000'000));
  return text.data();
}

}  // namespace

AuditLog::AuditLog(AuditFile file, const Plan& plan)
    : file_(std::move(file)),
      plan_(plan),
      counted_(plan.policy.subjects.size()),
      overflow_(plan.policy.table.flows.size()),
      chain_(file_.run()) {
  if (!file_.valid()) return;
  for (const policy::Subject& subject : plan.policy.subjects) images_.push_back(sha256_of_file(subject.image_real));
}

void AuditLog::write(std::string_view event, std::initializer_list<Field> fields) {
  if (!file_.valid()) return;
  std::string line = "{\"time\":\"" + now_utc() + "\",\"run\":\"" + file_.run() + "\",\"event\":" + json_string(event);
  for (const auto& [name, value] : fields) line += "," + json_string(name) + ":" + value;
  if (lost_ != 0) line += ",\"lost\":" + std::to_string(lost_);
  line += ",\"number\":" + std::to_string(number_ + 1);
  const std::string chain = sha256(chain_ + line);
  if (!file_.append(line + ",\"chain\":\"" + chain + "\"}")) {
    ++lost_;
    return;
  }
  chain_ = chain;
  ++number_;
  lost_ = 0;
}

void AuditLog::run_started(const Identities& identities, const RunState& state) {
  if (!file_.valid()) return;
  const policy::Policy& policy = plan_.policy;
  utsname host{};
  (void)uname(&host);
  write("run_started", {{"policy", json_string(policy.file.string())},
                        {"policy_sha256", json_string(sha256(policy.text))},
                        {"table_sha256", json_string(digest_of(policy.table))},
                        {"host", json_string(host.nodename)},
                        {"kernel", json_string(host.release)},
                        {"user", std::to_string(getuid())},
                        {"guard_user", std::to_string(identities.guard())}});
  for (std::size_t i = 0; i < policy.subjects.size(); ++i) {
    const policy::Subject& subject = policy.subjects[i];
    write("subject", {{"subject", json_string(subject.name)},
                      {"label", json_string(subject.label_text)},
                      {"ranks", std::to_string(subject.ranks)},
                      {"mpi", json_string(name_of(plan_.subjects[i].mpi))},
                      {"user", std::to_string(identities.subject(i))},
                      {"image", json_string(subject.image.string())},
                      {"image_sha256", json_string(images_[i])},
                      {"processes", std::to_string(plan_.subjects[i].limits.processes)},
                      {"memory", std::to_string(plan_.subjects[i].limits.memory)}});
    for (const policy::FileGrant& grant : subject.files) {
      write("grant", {{"subject", json_string(subject.name)},
                      {"name", json_string(policy::word(grant.access))},
                      {"path", json_string(grant.visible.string())},
                      {"leads_to", json_string(grant.path.string())},
                      {"line", std::to_string(grant.place.line)}});
    }
  }
  for (const table::Flow& flow : policy.table.flows) {
    write("flow", {{"from", json_string(policy.subjects[flow.from].name)},
                   {"to", json_string(policy.subjects[flow.to].name)},
                   {"line", std::to_string(flow.policy_line)},
                   {"downgrade", json_string(flow.downgrade)}});
  }
  for (const sandbox::Relaxation& one : state.relaxations) relaxation(one);
}

void AuditLog::relaxation(const sandbox::Relaxation& relaxation) {
  write("relaxation", {{"name", json_string(relaxation.name)},
                       {"subject", relaxation.subject.empty() ? "null" : json_string(relaxation.subject)},
                       {"what", json_string(relaxation.what)}});
}

void AuditLog::guard_event(const guard::Event& event) {
  const policy::Policy& policy = plan_.policy;
  const auto subject = [&] { return json_string(policy.subjects[event.subject].name); };
  const bool known = event.subject < policy.subjects.size();
  const std::string rank = event.rank == guard::kNoRank ? "null" : std::to_string(event.rank);
  if (event.kind == guard::EventKind::rank_up && known) {
    write("rank_up", {{"subject", subject()}, {"rank", rank}});
  } else if (event.kind == guard::EventKind::rank_ended && known) {
    write("rank_ended", {{"subject", subject()}, {"rank", rank}});
  } else if (event.kind == guard::EventKind::misbehaved && known) {
    write("refused",
          {{"subject", subject()}, {"rank", rank}, {"why", json_string(guard::describe(event.misbehaviour))}});
  } else if (event.kind == guard::EventKind::queue_full && event.flow < policy.table.flows.size()) {
    const table::Flow& flow = policy.table.flows[event.flow];
    write("queue_full", {{"from", json_string(policy.subjects[flow.from].name)},
                         {"to", json_string(policy.subjects[flow.to].name)},
                         {"queue", std::to_string(flow.queue_bytes)},
                         {"line", std::to_string(flow.policy_line)}});
  } else if (event.kind == guard::EventKind::events_lost) {
    write("events_lost", {{"times", std::to_string(event.flow)}});
  }
}

void AuditLog::overflow(std::size_t flow, std::uint64_t now) {
  if (now == overflow_[flow]) return;
  const policy::Policy& policy = plan_.policy;
  const table::Flow& entry = policy.table.flows[flow];
  const bool drops = entry.when_full == table::WhenFull::drop;
  write("overflow", {{"from", json_string(policy.subjects[entry.from].name)},
                     {"to", json_string(policy.subjects[entry.to].name)},
                     {"when_full", json_string(policy::word(entry.when_full))},
                     {drops ? "messages" : "bytes", std::to_string(now - overflow_[flow])},
                     {"total", std::to_string(now)},
                     {"line", std::to_string(entry.policy_line)}});
  overflow_[flow] = now;
}

void AuditLog::counters(const guard::Statistics& statistics) {
  for (std::size_t i = 0; i < overflow_.size(); ++i) {
    overflow(i, statistics.flow[i].overflow.load(std::memory_order_relaxed));
  }
  const policy::Policy& policy = plan_.policy;
  for (std::size_t i = 0; i < counted_.size(); ++i) {
    const guard::Statistics::Subject& now = statistics.subject[i];
    const std::string name = json_string(policy.subjects[i].name);
    const std::uint64_t denied = now.denied.load(std::memory_order_relaxed);
    if (denied != counted_[i].denied) {
      // Whatever the subject's library says: a count that goes back is shown as a total alone.
      const std::uint64_t more = denied > counted_[i].denied ? denied - counted_[i].denied : 0;
      const std::uint32_t rank = now.denied_rank.load(std::memory_order_relaxed);
      write("denied", {{"subject", name},
                       {"times", std::to_string(more)},
                       {"total", std::to_string(denied)},
                       {"peer_rank", rank < policy.table.rank_count() ? std::to_string(rank) : "null"},
                       {"told_by", json_string("library")}});
      counted_[i].denied = denied;
    }
    const std::uint64_t turned_away = now.turned_away.load(std::memory_order_relaxed);
    if (turned_away != counted_[i].turned_away) {
      write("turned_away", {{"subject", name}, {"times", std::to_string(turned_away - counted_[i].turned_away)}});
      counted_[i].turned_away = turned_away;
    }
  }
}

void AuditLog::refused_calls(std::size_t index, const RefusedCalls::News& news) {
  if (news.times == 0) return;
  write("refused_calls", {{"subject", json_string(plan_.policy.subjects[index].name)},
                          {"times", std::to_string(news.times)},
                          {"total", std::to_string(news.total)},
                          {"calls", json_string(news.calls)}});
}

void AuditLog::subject_ended(std::size_t index, const SubjectState& subject) {
  write("subject_ended",
        {{"subject", json_string(plan_.policy.subjects[index].name)}, {"end", json_string(describe_end(subject))}});
}

void AuditLog::stopping() { write("stopping", {{"by", json_string("operator")}}); }

void AuditLog::guard_died() { write("guard_died", {}); }

void AuditLog::run_ended(const RunState& state) {
  if (!file_.valid()) return;
  std::string flows;
  for (std::size_t i = 0; i < state.flows.size(); ++i) {
    const table::Flow& flow = plan_.policy.table.flows[i];
    flows += std::string(i > 0 ? "," : "") + "{\"from\":" + json_string(plan_.policy.subjects[flow.from].name) +
             ",\"to\":" + json_string(plan_.policy.subjects[flow.to].name) +
             ",\"messages\":" + std::to_string(state.flows[i].messages) +
             ",\"bytes\":" + std::to_string(state.flows[i].bytes) + "}";
  }
  write("run_ended", {{"exit_code", std::to_string(exit_code(state))}, {"flows", "[" + flows + "]"}});
}

}  // namespace sluice::launcher
