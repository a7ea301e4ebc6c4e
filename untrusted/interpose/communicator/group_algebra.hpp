// Operations on groups of processes as lists of world ranks (MPI 3.1, section 6.3). Knows nothing of MPI's handles.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sluice::interpose {

/// Members of a group or communicator, by rank: no world rank is there twice.
using RankList = std::vector<std::int32_t>;

/// first, last, stride: as in MPI_Group_range_incl.
struct RankRange {
  int first;
  int last;
  int stride;
};

enum class GroupRelation {
  identical,  ///< the same members in the same order
  similar,    ///< the same members in another order
  unequal,
};

/// All of `first`, then those of `second` that are not in `first`.
RankList unite(const RankList& first, const RankList& second);
/// Those of `first` that are in `second`, in the order of `first`.
RankList intersect(const RankList& first, const RankList& second);
/// Those of `first` that are not in `second`, in the order of `first`.
RankList subtract(const RankList& first, const RankList& second);

/// The members with these ranks, in the order of `ranks`. Nothing if one is no rank of the group or there twice.
std::optional<RankList> include(const RankList& group, std::span<const int> ranks);
/// The members without these ranks, in the order of `group`. Nothing if one is no rank of the group or there twice.
std::optional<RankList> exclude(const RankList& group, std::span<const int> ranks);
/// The ranks that ranges stand for. Nothing if a stride is zero or one is no rank of a group of `size` members.
std::optional<std::vector<int>> expand(std::span<const RankRange> ranges, std::size_t size);

/// How two groups are related.
GroupRelation relate(const RankList& first, const RankList& second);

/// Rank of a member, -1 if it is none.
std::int32_t rank_in(const RankList& group, std::int32_t member) noexcept;
/// Ranks in `group` of several members, -1 for what is none.
RankList ranks_in(const RankList& group, std::span<const std::int32_t> members);

/// What a member of a group says when that is split.
struct SplitChoice {
  std::int32_t color;
  std::int32_t key;
};

/// Members of `group` that chose `color`, by key; those of one key in the order of the group. `choices`: of each
/// member.
RankList split(const RankList& group, std::span<const SplitChoice> choices, std::int32_t color);

}  // namespace sluice::interpose
