//! A logon task of the user takes a process that runs for one that is ready; there is nobody to tell. A Windows
//! service would run as another account, where the user's keys are out of reach.

pub(super) fn say_ready() {}

pub(super) fn say_stopping() {}
