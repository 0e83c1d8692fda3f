//! Talking to Entra. The only room that names reqwest and oauth2.
