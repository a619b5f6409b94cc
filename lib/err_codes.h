/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * err_codes.h - the catalogue of errors: the one place where a code, its
 * meaning and its remedy stand. Add a line, and `explain` knows it.
 */
#ifndef PPVPN_ERR_CODES_H
#define PPVPN_ERR_CODES_H

#define ERR_CODES(X) \
	X(NONE, "none", "No error", \
	  "Nothing went wrong.", "Nothing to do.") \
	X(USAGE, "usage", "Wrong usage", \
	  "The command line is not one that the command takes.", \
	  "See --help.") \
	X(CONFIG, "config", "Bad configuration file", \
	  "A line of the configuration file is not understood or out of bounds.", \
	  "Correct the line named, then try again.") \
	X(JSON_SYNTAX, "json-syntax", "Not JSON", \
	  "The text is not well-formed JSON.", \
	  "If it came from the server: look at the server's log and version.") \
	X(JSON_LIMIT, "json-limit", "JSON beyond the bounds", \
	  "The text is too long, too deep, or has too many values.", \
	  "If it came from the server: look at the server's log and version.") \
	X(JSON_MEMBER, "json-member", "Unknown, missing or duplicate member", \
	  "An object has a member that does not belong there, lacks one, or has one twice.", \
	  "Check that agent and server have versions that fit each other.") \
	X(JSON_VALUE, "json-value", "Value of the wrong type or out of bounds", \
	  "A value has the wrong type, length, range or characters.", \
	  "Check that agent and server have versions that fit each other.") \
	X(SCHEMA, "schema", "No version in common", \
	  "Agent and server have no version of the configuration, or of the report, in common. Tunnels stay as they are.", \
	  "Upgrade the older of the two: the text says what each of them has.") \
	X(DOCUMENT, "document", "Document contradicts itself", \
	  "The parts of the document do not fit together.", \
	  "This is a fault of the server: report it to the provider.") \
	X(DOCUMENT_STALE, "document-stale", "Older document than the one in force", \
	  "The server sent a lower revision of the same epoch, or another content under the same revision.", \
	  "The provider's database may have been restored without raising its epoch: report it to the provider.") \
	X(ROLLED_BACK, "rolled-back", "A document was taken back", \
	  "After a new document was applied no server could be reached in time, so the one before came back; or the agent ended several times before one was reached, and a pause is made.", \
	  "Look at what that revision changed for this router, and correct it at the provider: a newer revision is tried. ppvpnctl sync --retry tries this one again.") \
	X(BULK_REMOVAL, "bulk-removal", "Many peers would go without a word", \
	  "The server's document leaves out many peers and does not say that they were removed on purpose. Nothing was changed.", \
	  "Ask the provider. If it is meant: ppvpn-admin ce allow-removal CUSTOMER/CE there, or ppvpnctl sync --accept-removal here.") \
	X(CLOCK, "clock", "The clock is wrong", \
	  "The router's time of day cannot be right, or differs from the provider's.", \
	  "Set the clock, or have it set (NTP); certificates cannot be checked without it.") \
	X(YAML, "yaml", "Not YAML as it is read here", \
	  "The text is not YAML, or uses what a customer's file cannot have.", \
	  "Correct the line named; doc/customer-file.md says what the file looks like.") \
	X(NOT_FOUND, "not-found", "No such thing", \
	  "The thing named does not exist.", "Check the name: of a file, or with a list command.") \
	X(EXISTS, "exists", "Exists already", \
	  "The name or address is taken.", "Choose another, or remove the old one first.") \
	X(IN_USE, "in-use", "Still in use", \
	  "Other things refer to this one.", "Remove what refers to it first.") \
	X(CONFLICT, "conflict", "Changed since", \
	  "What is to be taken back was changed again by a later revision.", \
	  "Take the later revision back first (see audit), or make the change by hand.") \
	X(ROTATION, "rotation", "Keys are being changed", \
	  "A change of pre-shared keys, or a move to certificates or back, goes its three steps, each when both routers have the one before; it is neither begun twice nor taken back.", \
	  "See how far it is, and whom it waits for: ppvpn-admin rotation status") \
	X(TOPOLOGY, "topology", "Does not fit the topology", \
	  "A role or a tunnel contradicts the topology of its VPN.", \
	  "See the roles of the topology in the manual: set another role or topology.") \
	X(OVERLAP, "overlap", "Prefixes overlap", \
	  "Sites of a VPN that offers Internet access have prefixes in common.", \
	  "Give the sites prefixes apart from each other, or do not offer Internet access in this VPN.") \
	X(NAME, "name", "Not a valid name", \
	  "Names are DNS labels: a-z, 0-9 and '-', 1 to 63 characters, neither first nor last '-'.", \
	  "Choose another name; free text goes into descriptions.") \
	X(ADDRESS, "address", "Not a valid address", \
	  "The text is not an address or prefix of the family that is needed here.", \
	  "Write it as in 192.0.2.5 or 10.1.0.0/24.") \
	X(ADDRESS_LOST, "address-lost", "The router does not have its address", \
	  "The provider's document gives this router an address (s) that none of its links has. Tunnels cannot come up.", \
	  "With a dynamic address the provider follows by itself; if it does not: ppvpn-admin alarms there says why. Else configure the address again, or have the provider change it: ppvpn-admin ce set CUSTOMER/CE --address ADDRESS") \
	X(ADDRESS_REFUSED, "address-refused", "A router's new address is not followed", \
	  "The router reported another address (s) than the database has, and its policy says no. Nothing was changed; its tunnels are down as long as it does not have the old one.", \
	  "If it is right: ppvpn-admin ce set CUSTOMER/CE --address ADDRESS, or let it change by itself: --dynamic PREFIX. Else look at the router.") \
	X(NAT, "nat", "Does not work behind NAT", \
	  "Through NAT only the router behind it can begin a tunnel, and only to one that is not.", \
	  "Let tunnels lead from the site behind NAT to hubs that are not (topology hub-spoke), and name no other initiator.") \
	X(LIMIT, "limit", "Limit reached", \
	  "A configured or built-in limit stands against it.", \
	  "See the limit named in the text.") \
	X(DENIED, "denied", "Not permitted", \
	  "The caller may not do this.", "Run as root or as a member of the group that owns the socket; at the provider, ask for the role that is needed.") \
	X(IO, "io", "Input or output failed", \
	  "A file, socket or device could not be read or written.", \
	  "See the system's error in the text: disk space, permissions, missing directory.") \
	X(TIMEOUT, "timeout", "No answer in time", \
	  "The other side did not answer within the deadline.", \
	  "Check that the daemon named runs and is not overloaded.") \
	X(DATABASE, "database", "Database fault", \
	  "The database could not be read or written. Nothing was changed.", \
	  "See the text; check disk space and the integrity of the file.") \
	X(DISK_FULL, "disk-full", "No space left", \
	  "The disk that holds the file is full. Nothing was changed; what is there can still be read.", \
	  "Make room on the disk, then try again.") \
	X(RUNNING, "running", "Somebody else is at it", \
	  "A server, an agent, or a command that must be alone with the directory, runs on it.", \
	  "Stop what runs first (systemctl stop ppvpn-server, or ppvpn-agent), or wait until the command is done.") \
	X(BACKUP, "backup", "Not a backup that can be restored", \
	  "The file is no backup of ppvpn-server, is damaged, or does not fit the keys.", \
	  "Take another backup; one without keys needs --keys with the keys of its time.") \
	X(SEALED, "sealed", "Sealed data cannot be opened", \
	  "The key does not fit, or the data was changed or belongs to something else.", \
	  "Check that the key file belongs to this database or router.") \
	X(TLS, "tls", "TLS failed", \
	  "The secure channel could not be set up.", \
	  "Check certificates, clocks and the server's address.") \
	X(HTTP, "http", "Unexpected answer from the server", \
	  "The server answered with a status that does not belong here. Nothing was changed.", \
	  "See the server's log; tunnels stay as they are.") \
	X(UNREACHABLE, "unreachable", "Server not reachable", \
	  "No connection to the server could be made. Tunnels stay as they are.", \
	  "Check the route to the server and that it runs.") \
	X(ENROLLED, "enrolled", "Enrolled already", \
	  "This router has credentials of a provider already.", \
	  "Leave the provider first, or give --force to replace them.") \
	X(NOT_ENROLLED, "not-enrolled", "Not enrolled", \
	  "This router has no credentials of a provider yet.", \
	  "Run: ppvpn-agent enroll --bundle FILE; or put the provider's bundle into /etc/ppvpn/bundle and start ppvpn-agent.") \
	X(APPROVAL, "approval", "Waits for the provider's approval", \
	  "The token is right; an operator of the provider has yet to approve of the router's key.", \
	  "Have the provider compare the key and approve of it: ppvpn-admin ce pending, ppvpn-admin ce approve CUSTOMER/CE KEY") \
	X(TOKEN, "token", "Token refused", \
	  "The one-time token is wrong, used or expired.", \
	  "Have the provider make a new bundle: ppvpn-admin ce bundle CUSTOMER/CE") \
	X(VPN_UNCONFIGURED, "vpn-unconfigured", "VPN without a place on this router", \
	  "The provider assigned a VPN for which agent.conf has no section.", \
	  "Add [vpn CUSTOMER/VPN] with vrf, table and lan to agent.conf, then: systemctl restart ppvpn-agent") \
	X(POLICY, "policy", "Beyond what this router's owner allows", \
	  "The provider asks more of a VPN than its section of agent.conf lets it; the VPN stays as it was before that, if it was.", \
	  "If it is right: raise the bound named in agent.conf, then: systemctl restart ppvpn-agent. Else talk to the provider.") \
	X(FIREWALL, "firewall", "The firewall is not as agent.conf wants it", \
	  "The table \"inet ppvpn\" of nftables cannot be made, or it is not known which link leads to the provider.", \
	  "See the text. [firewall] in agent.conf: links names the provider's link, mode = log-only or off does without.") \
	X(FIREWALL_LEAK, "firewall-leak", "Something else than the VPN's goes to the provider's edge", \
	  "This router sent, or passed on, packets over the provider's link that are neither IPsec nor management, nor allowed by its owner. With mode = enforce they were dropped.", \
	  "nft list counters table inet ppvpn; the kernel's log has some of the packets (ppvpn: to the PE, through). If they are right: allow in [firewall] of agent.conf.") \
	X(FIREWALL_PROBE, "firewall-probe", "Somebody tries this router from the provider's side", \
	  "Packets came over the provider's link that are neither a peer's nor management, nor allowed. With mode = enforce they were dropped.", \
	  "The kernel's log has some of the packets (ppvpn: from the PE). If they are right: allow in [firewall] of agent.conf.") \
	X(FIREWALL_BLOCKED, "firewall-blocked", "Other rules of this router drop the VPN's packets", \
	  "ESP or IKE between this router and its peers reaches it and does not come through, or is sent and does not leave: another table of nftables or iptables drops it.", \
	  "nft list ruleset; let UDP 500 and 4500 and ESP (protocol 50) pass from and to the peers.") \
	X(FIREWALL_HELD, "firewall-held", "The firewall cut the server off, and only logs now", \
	  "With the present settings enforced no server was heard within the time that a new document has (confirm-timeout, two minutes by default). They are not enforced until the agent's next start.", \
	  "See what was refused: nft list counters table inet ppvpn, and the kernel's log. Correct [firewall] in agent.conf, then: systemctl restart ppvpn-agent") \
	X(FOREIGN, "foreign", "Taken by something that is not ours", \
	  "A link, table, mark, rule or connection of that name exists and was not made by the agent.", \
	  "Rename or remove it, or choose another in agent.conf.") \
	X(TUNNEL_PAIR, "tunnel-pair", "Two tunnels between the same two addresses", \
	  "A VTI carries one tunnel per pair of addresses.", \
	  "Give one of the sites another CE address.") \
	X(GRADE, "grade", "Weaker than the VPN's grade of security", \
	  "All tunnels of a VPN have its grade; a proposal or lifetime named does not reach it.", \
	  "Take stronger words, e.g. aes256gcm16-prfsha384-ecp384 (ESP: aes256gcm16-ecp384), or lower the VPN's grade.") \
	X(KERNEL, "kernel", "Kernel refused", \
	  "The kernel did not accept a link, address, rule or route.", \
	  "See the text; check that the modules ip_vti, vrf and esp4 can be loaded.") \
	X(CHARON, "charon", "charon or its plugin does not answer", \
	  "strongSwan is not running, or its ppvpn plugin is not loaded.", \
	  "systemctl status strongswan; swanctl --stats must list the plugin ppvpn.") \
	X(PLUGIN, "plugin", "charon runs without its plugin, or with another one's", \
	  "strongSwan answers, but not its plugin ppvpn: it is missing, or was built for another version of strongSwan, so it did not start. No tunnel can be set up.", \
	  "charon's log says why. Install the package strongswan-plugin-ppvpn that belongs to this strongSwan, then: systemctl restart strongswan") \
	X(CHARON_SETTING, "charon-setting", "A charon setting stands against it", \
	  "A global setting of charon would break our tunnels, or ours would break an operator's connection.", \
	  "See the setting and connection named; change one, or acknowledge it in agent.conf.") \
	X(FRR, "frr", "FRR does not answer or refused a line", \
	  "zebra or ospfd is not running, or refused configuration.", \
	  "systemctl status frr; vtysh -c 'show running-config'") \
	X(AUTH_FAILED, "auth-failed", "IKE authentication failed", \
	  "The peer's proof of identity did not fit its key, or ours was refused: the keys differ, or it does not know this site.", \
	  "If it stays: the two ends have different keys; see tunnel show at the provider.") \
	X(PROPOSAL, "proposal-mismatch", "No common proposal", \
	  "The two ends have no algorithm in common for the IKE_SA, or the peer does not know this router: charon answers both the same.", \
	  "Is this site a peer over there (ppvpnctl peers)? Else check proposals of the SA profile at the provider, and charon's crypto plugins.") \
	X(ESP_PROPOSAL, "esp-proposal-mismatch", "No common ESP proposal", \
	  "The two ends have no algorithm in common for the CHILD_SA.", \
	  "Check esp_proposals of the SA profile at the provider, and the ciphers of both kernels.") \
	X(KEY_EXCHANGE, "key-exchange", "No common key exchange group", \
	  "The peer asked for a Diffie-Hellman group that is not in this router's proposals.", \
	  "Check the groups in the proposals of the SA profile at both ends.") \
	X(TRAFFIC_SELECTORS, "traffic-selectors", "Traffic selectors not accepted", \
	  "The peer does not allow the traffic of a tunnel: 0.0.0.0/0 at both ends.", \
	  "The peer is configured for something else: see swanctl --list-conns there.") \
	X(IKE_INCOMPATIBLE, "ike-incompatible", "The peer does not understand IKE as spoken here", \
	  "The peer answered that the message's syntax, version or a payload is not understood.", \
	  "Check that a strongSwan of a version that fits runs at the peer, and nothing changes packets on the way.") \
	X(CERT_EXPIRED, "certificate-expired", "The peer's certificate is out of date", \
	  "The peer's certificate is not valid at this time.", \
	  "Check the clocks of both routers; then have the provider renew the certificate.") \
	X(CERT_REVOKED, "certificate-revoked", "The peer's certificate is revoked", \
	  "The provider took the peer's certificate back.", \
	  "Nothing to do here; if the peer should be a site: have the provider enrol it again.") \
	X(CERT_UNTRUSTED, "certificate-untrusted", "The peer's certificate is not trusted", \
	  "No CA that this router trusts has signed the peer's certificate.", \
	  "Have the provider enrol the peer again; if it is no site: somebody is probing.") \
	X(CERT_UNFIT, "certificate-unfit", "The peer's certificate is not one for IKE", \
	  "A CA's certificate, or one for the management channel, was used to pose as a peer. Refused.", \
	  "Find out who has that certificate and its key; have the provider revoke it.") \
	X(CERT_NO_STATUS, "certificate-no-status", "Nothing says that the peer's certificate is not revoked", \
	  "The VPN's revocation policy is strict, and this router has no valid revocation list of the peer's CA.", \
	  "Check the clock, and that the router reaches the provider's server, which sends the list.") \
	X(NO_CERTIFICATE, "no-certificate", "No certificate to show", \
	  "The tunnel is to be authenticated by certificates, and this router has none yet that is of its key.", \
	  "It asks the provider for one by itself. If it stays: ppvpnctl alarms says why there is none.") \
	X(FOREIGN_SECRET, "foreign-secret", "A secret of the operator's fits a tunnel of the provider's", \
	  "charon has another pre-shared key that fits this tunnel's identities; who knows it could pose as the peer. Refused.", \
	  "Give the secrets in swanctl.conf identities (id-1, id-2) of their own, then: swanctl --load-creds") \
	X(PEER_BUSY, "peer-busy", "Peer cannot negotiate now", \
	  "The peer answered that it cannot do this just now.", \
	  "It passes by itself. If it stays: look at the load and the log of charon at the peer.") \
	X(PEER_CLOSED, "peer-closed", "Peer closed the tunnel", \
	  "The peer deleted the SA: it was restarted, or is no member of the VPN any more.", \
	  "The provider is asked, then negotiated again. If it stays down: is the peer still a site, does it run?") \
	X(NO_CONNECTION, "no-connection", "charon does not know the tunnel", \
	  "charon has no configuration for a tunnel that the document names. The agent gives it again.", \
	  "If it stays: ppvpnctl plan says what stands against it.") \
	X(NO_TRAFFIC, "no-traffic", "Tunnel is up, but nothing comes in", \
	  "SAs are installed and this router sends, but nothing comes out of the tunnel, not even the peer's OSPF hellos.", \
	  "Check that ESP (protocol 50) passes between the two CEs, not only IKE (UDP 500, 4500), and that FRR runs at the peer.") \
	X(REFUSED, "refused", "Negotiation ended without an SA", \
	  "The peer refused, or gave up, without saying why: it may not know this router yet.", \
	  "If it stays: look at the log of charon at both ends.") \
	X(PEER_UNREACHABLE, "peer-unreachable", "Peer does not answer IKE", \
	  "No answer from the peer's address.", \
	  "Check the path between the two CEs: UDP 500 and 4500, ESP.") \
	X(UNKNOWN_PEER, "unknown-peer", "A router of no VPN asked for a tunnel", \
	  "Somebody negotiated with this router whom the provider has not named as a peer; it was refused.", \
	  "If the address is a site's: is that site in this VPN at the provider? Else somebody is probing.") \
	X(IMPERSONATION, "impersonation", "A site claimed another site's identity", \
	  "Somebody authenticated with a key that does not belong to the identity claimed, and was refused.", \
	  "Look at the address named; the site that owns the key may be compromised.") \
	X(NOT_CONVERGED, "not-converged", "State does not settle", \
	  "After applying the plan the router still differs from what is wanted.", \
	  "See ppvpnctl plan for what remains; something else may be changing it.") \
	X(CE_SILENT, "ce-silent", "A router has stopped reporting", \
	  "The router has sent no report for three report intervals: it is off, or does not reach the server. What it last said is not known to be so.", \
	  "Check its power and its way to the server; on the router: ppvpnctl status.") \
	X(CE_NEVER_SEEN, "ce-never-seen", "A router that never came", \
	  "The router's enrolment token ended without being used, or it enrolled and never sent a report.", \
	  "Enrol it with a new bundle (ppvpn-admin ce bundle CUSTOMER/CE), look at its agent's log, or remove it.") \
	X(NOT_APPLIED, "not-applied", "A router does not have its configuration", \
	  "The router refused its document, could apply it in part only, or reports and still has an older one.", \
	  "See its errors in ppvpn-admin status, or fetch a bundle: ppvpn-admin ce diag CUSTOMER/CE") \
	X(ROTATION_WAITS, "rotation-waits", "A change of keys waits for a router", \
	  "Pre-shared keys of the router's tunnels are being changed, or the tunnels move to certificates or back, and for more than a day it has not had the present step in force. Its tunnels stay as they are; those of others go on.", \
	  "See why: ppvpn-admin rotation status CUSTOMER. It goes on by itself when the router has its document; a router that will not come back: ppvpn-admin ce replace CUSTOMER/CE, or remove its sites.") \
	X(TUNNEL_DOWN, "tunnel-down", "A tunnel is configured but not up", \
	  "Both routers report and have the tunnel's configuration, and one of them at least says that it is not up.", \
	  "See both ends: ppvpn-admin tunnel show CUSTOMER/VPN SITE SITE. Check the path between them: UDP 500 and 4500, ESP.") \
	X(CERTIFICATE_ENDS, "certificate-ends", "A certificate of the server is about to end", \
	  "When it has ended no router reaches the server any more. Tunnels stay as they are.", \
	  "Renew it as the manual of ppvpn-server describes, before the day in the text.") \
	X(CE_CERTIFICATE, "ce-certificate", "A router's own certificate is about to end, or has ended", \
	  "The router renews it by itself at two thirds of its life; that has not worked. When it has ended, the router reaches no server. Tunnels stay as they are.", \
	  "See why in the router's log (ppvpnctl status). Once it has ended: ppvpn-admin ce bundle CUSTOMER/CE, and there: ppvpn-agent enroll --force --bundle FILE") \
	X(AUTHORITY_ENDS, "authority-ends", "The authority of a VPN is about to end, or has ended", \
	  "Another one takes over by itself at two thirds of its life; that waits for a router, or failed. When it has ended, no certificate of the VPN's is believed any more. Tunnels that are up stay so until they are made anew.", \
	  "See whom it waits for: ppvpn-admin vpn authority show CUSTOMER/VPN. A router that will not come back: ppvpn-admin ce replace CUSTOMER/CE, or remove its site.") \
	X(AUTHORITY_WAITS, "authority-waits", "The change of an authority waits for a router", \
	  "Another authority takes over in a VPN of the router's, and for more than a day the router has not had the present step in force. Tunnels stay as they are.", \
	  "See why: ppvpn-admin vpn authority show CUSTOMER/VPN. It goes on by itself when the router has its document; a router that will not come back: ppvpn-admin ce replace CUSTOMER/CE, or remove its sites.") \
	X(IKE_CERTIFICATE_ENDS, "ike-certificate-ends", "A site's certificate for IKE is about to end, or has ended", \
	  "The server has issued a new one in time, and the router does not have it in force; or it could not issue one. When it has ended, peers refuse the site where certificates are needed.", \
	  "See whether the router has its document: ppvpn-admin status CUSTOMER; and the VPN's authority: ppvpn-admin vpn authority show CUSTOMER/VPN.") \
	X(REVOCATION_LIST_OLD, "revocation-list-old", "A VPN's revocation list is about to end, or has ended", \
	  "The server makes it anew at half of its life; that has not worked. When it has ended, routers of VPNs that are strict refuse every certificate.", \
	  "See the server's log for why the list is not made anew.") \
	X(IKE_KEY, "ike-key", "No certificate for tunnels", \
	  "A VPN's tunnels are to have certificates, and the provider does not take this router's key for IKE, or sends no certificate for it. The text says why.", \
	  "The router asks again by itself. If it stays: ask the provider; a router whose key is refused gets another with a new bundle (ppvpn-agent enroll --force).") \
	X(ALARM_LIMIT, "alarm-limit", "More alarms than are kept", \
	  "So many alarms come from here that the further ones have no entry of their own.", \
	  "Look at the source itself: ppvpn-admin status shows all that is down.") \
	X(INTERNAL, "internal", "Internal fault", \
	  "A case that the program holds to be impossible.", \
	  "Please report it with the text.")

#endif
