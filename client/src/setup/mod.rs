//! What it takes to make a tool call this program, and to take that back.
