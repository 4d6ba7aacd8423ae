//! Process groups: a partner and everything that it started end together. The only module with system calls of its own.
#![allow(unsafe_code)]

use std::process::Command;

/// How hard a group is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGTERM.
    Please,
    /// SIGKILL.
    Now,
}

/// Makes the command lead a group of its own, and end with the thread that started it where the system can do that.
pub(super) fn lead(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
    #[cfg(target_os = "linux")]
    {
        let end_with_parent = || {
            // SAFETY: prctl with these arguments touches no memory and may be called between fork and exec.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            Ok(())
        };
        // SAFETY: the closure only makes one system call.
        unsafe { command.pre_exec(end_with_parent) };
    }
}

/// Signals a whole group. That it is gone already is what was wanted.
pub(super) fn signal(group: u32, how: Signal) {
    let number = match how {
        Signal::Please => libc::SIGTERM,
        Signal::Now => libc::SIGKILL,
    };
    let Ok(group) = i32::try_from(group) else { return };
    if group > 1 {
        // SAFETY: a system call without memory arguments; the group is one that this process made.
        unsafe { libc::kill(-group, number) };
    }
}

/// Whether any process of a group is left.
pub(super) fn is_alive(group: u32) -> bool {
    // SAFETY: signal 0 only asks whether there is somebody to signal.
    i32::try_from(group).is_ok_and(|group| group > 1 && unsafe { libc::kill(-group, 0) } == 0)
}
