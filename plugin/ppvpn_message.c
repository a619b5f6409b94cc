/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_message.c - errors and deletes in messages of peers
 *
 * Owns the table of notifies that are worth a word.  charon itself raises alerts
 * for those that are not here: NO_PROPOSAL_CHOSEN, AUTHENTICATION_FAILED.
 */

#include "ppvpn_message.h"

#include <encoding/payloads/delete_payload.h>
#include <encoding/payloads/notify_payload.h>

/**
 * What an error in a response is called
 */
static const char *notify_reason(notify_type_t type, bool encrypted)
{
	static const struct {
		notify_type_t type;
		const char *reason;
		/** means something only where its sender is known */
		bool encrypted;
	} reasons[] = {
		{ INVALID_KE_PAYLOAD,			"invalid-ke",	FALSE	},
		{ INVALID_SYNTAX,				"incompatible",	FALSE	},
		{ INVALID_MAJOR_VERSION,		"incompatible",	FALSE	},
		{ UNSUPPORTED_CRITICAL_PAYLOAD,	"incompatible",	FALSE	},
		{ TS_UNACCEPTABLE,				"ts-mismatch",	TRUE	},
		{ TEMPORARY_FAILURE,			"busy",			TRUE	},
		{ NO_ADDITIONAL_SAS,			"busy",			TRUE	},
	};
	int i;

	for (i = 0; i < countof(reasons); i++)
	{
		if (reasons[i].type == type && (encrypted || !reasons[i].encrypted))
		{
			return reasons[i].reason;
		}
	}
	return NULL;
}

/**
 * Described in header.
 */
const char *ppvpn_message_reason(message_t *message)
{
	bool encrypted = message->get_exchange_type(message) != IKE_SA_INIT;
	bool request = message->get_request(message);
	const char *reason = NULL;
	enumerator_t *enumerator;
	payload_t *payload;

	enumerator = message->create_payload_enumerator(message);
	while (!reason && enumerator->enumerate(enumerator, &payload))
	{
		if (payload->get_type(payload) == PLV2_NOTIFY && !request)
		{
			notify_payload_t *notify = (notify_payload_t*)payload;

			reason = notify_reason(notify->get_notify_type(notify), encrypted);
		}
		else if (payload->get_type(payload) == PLV2_DELETE && request)
		{
			delete_payload_t *del = (delete_payload_t*)payload;

			reason = del->get_protocol_id(del) == PROTO_IKE ? "closed" : NULL;
		}
	}
	enumerator->destroy(enumerator);
	return reason;
}
