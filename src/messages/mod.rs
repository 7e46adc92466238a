//! What server and browser send each other over the WebSocket.

#[cfg(all(test, feature = "ssr"))]
mod tests;
