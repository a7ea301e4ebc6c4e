#include "trusted/mirror/node_table.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::mirror {
namespace {

std::string path_of(const NodeTable& nodes, NodeTable::Number number) {
  const std::string* path = nodes.path_of(number);
  return path == nullptr ? "none" : "/" + *path;
}

TEST(NodeTable, PathKeepsItsNumberUntilItIsForgottenAsOftenAsTold) {
  NodeTable nodes;
  EXPECT_EQ(path_of(nodes, NodeTable::kRoot), "/");
  const auto first = nodes.remember("a/b");
  EXPECT_EQ(nodes.remember("a/b"), first);
  EXPECT_NE(nodes.remember("a"), first);
  nodes.forget(first, 1);
  EXPECT_EQ(path_of(nodes, first), "/a/b");
  nodes.forget(first, 1);
  EXPECT_EQ(path_of(nodes, first), "none");
  EXPECT_NE(nodes.remember("a/b"), first) << "numbers are never used twice";
}

TEST(NodeTable, WhatTheKernelCannotMeanDoesNothing) {
  NodeTable nodes;
  nodes.forget(NodeTable::kRoot, 100);
  nodes.forget(77, 1);
  EXPECT_EQ(path_of(nodes, NodeTable::kRoot), "/");
  EXPECT_EQ(path_of(nodes, 77), "none");
  EXPECT_EQ(nodes.size(), 1U);
}

}  // namespace
}  // namespace sluice::mirror
