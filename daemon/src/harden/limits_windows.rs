//! Resource limits of a process on Windows, of which none is on handles.

/// As many as are wanted.
pub fn room_for_connections(most: usize) -> usize {
    most
}
