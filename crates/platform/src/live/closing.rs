//! Close codes of the WebSocket: why the server closes it, and what a tab does then.

/// Why the server closes a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// The server stops, or the tab may have missed a message.
    StartAgain,
    /// The tab has sent a message that is too long.
    TooLong,
    /// The server could not load the current state.
    Failed,
    /// The tab does not receive messages fast enough.
    TooSlow,
    /// There is no session, or it has ended.
    SignedOut,
    /// The token is in the address, where it would be logged.
    TokenInAddress,
    /// The ticket in the address is not valid any more.
    TicketUsed,
    /// The tab has sent nothing for too long.
    Silent,
    /// The user has too many tabs open.
    TooManyTabs,
}

impl Closing {
    pub const ALL: [Self; 9] = [
        Self::StartAgain,
        Self::TooLong,
        Self::Failed,
        Self::TooSlow,
        Self::SignedOut,
        Self::TokenInAddress,
        Self::TicketUsed,
        Self::Silent,
        Self::TooManyTabs,
    ];

    pub fn code(self) -> u16 {
        match self {
            Self::TooLong => 1009,
            Self::Failed => 1011,
            Self::StartAgain => 1012,
            Self::TooSlow => 1013,
            Self::SignedOut | Self::TokenInAddress | Self::TicketUsed => SIGNED_OUT,
            Self::Silent => 4002,
            Self::TooManyTabs => TOO_MANY_TABS,
        }
    }

    /// For the developer of a client: what was wrong and what to do.
    pub fn reason(self) -> &'static str {
        match self {
            Self::StartAgain => "Connect again for the present state.",
            Self::TooLong => "A message may have at most 64 KB.",
            Self::Failed => "Something went wrong on the server. It has been logged; try again.",
            Self::TooSlow => "What was sent has not been read in time. Connect again for the present state.",
            Self::SignedOut => {
                "You are not signed in. Sign in, or send `Authorization: Bearer` with a token."
            }
            Self::TokenInAddress => {
                "No token in the address: send sub-protocol bearer.TOKEN, or ?ticket= from POST /api/auth/ws-ticket."
            }
            Self::TicketUsed => {
                "This ticket was used, has expired, or its session has ended. POST /api/auth/ws-ticket gives a new one."
            }
            Self::Silent => "Nothing was heard for too long. Send {\"type\":\"ping\"} every 30 seconds.",
            Self::TooManyTabs => "Five connections are open already. Close one and connect again.",
        }
    }
}

const SIGNED_OUT: u16 = 4001;
const TOO_MANY_TABS: u16 = 4008;

/// What a tab does when its socket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterClose {
    ConnectAgain,
    /// Trying again is of no use.
    End(EndReason),
}

/// Why a tab gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    SignedOut,
    TooManyTabs,
}

impl AfterClose {
    /// What the close code asks for. Most closes are accidents and pass.
    pub fn of(code: u16) -> Self {
        match code {
            SIGNED_OUT => Self::End(EndReason::SignedOut),
            TOO_MANY_TABS => Self::End(EndReason::TooManyTabs),
            _ => Self::ConnectAgain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_fits_into_a_close_frame() {
        for closing in Closing::ALL {
            assert!(closing.reason().len() <= 123, "{closing:?}");
        }
    }

    #[test]
    fn a_tab_gives_up_only_where_trying_is_of_no_use() {
        let given_up: Vec<Closing> = Closing::ALL
            .into_iter()
            .filter(|closing| AfterClose::of(closing.code()) != AfterClose::ConnectAgain)
            .collect();
        let expected =
            [Closing::SignedOut, Closing::TokenInAddress, Closing::TicketUsed, Closing::TooManyTabs];
        assert_eq!(given_up, expected);
        assert_eq!(AfterClose::of(1006), AfterClose::ConnectAgain);
    }
}
