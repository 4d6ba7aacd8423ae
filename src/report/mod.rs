//! One event stream to the terminal, JSON and other reports. It reads events and reports, and judges nothing.
