/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_message ppvpn_message
 * @{ @ingroup ppvpn
 *
 * What a peer's message says that charon raises no alert for.
 */

#ifndef PPVPN_MESSAGE_H_
#define PPVPN_MESSAGE_H_

#include "ppvpn_compat.h"

/**
 * A reason in a message that was received and decrypted.
 *
 * @param message	message of IKEv2
 * @return			word of an alert (doc/plugin-protocol.md), a constant; NULL
 *					if there is nothing to tell
 */
const char *ppvpn_message_reason(message_t *message);

#endif /** PPVPN_MESSAGE_H_ @}*/
