/* handlers.h - the handlers that routes.c names, and what main.c gives them. */
#ifndef FCGI_BILLING_HANDLERS_H
#define FCGI_BILLING_HANDLERS_H

#include "lib/web/web.h"

struct billing_ports;

extern const struct web_route billing_routes[];

/* What billing asks of other services: main.c knows how. */
extern const struct billing_ports billing_ports;

web_handler services_list;
web_handler services_get;
web_handler services_put;

web_handler invoices_list;
web_handler invoices_create;
web_handler invoices_get;
web_handler invoices_update;

/* payments.c */
web_handler invoices_issue;
web_handler invoices_void;
web_handler invoices_write_off;
web_handler credit_notes_create;
web_handler credit_notes_list;
web_handler payments_create;
web_handler payments_list;
web_handler payments_get;
web_handler payments_reverse;
web_handler refunds_create;
web_handler refunds_list;

/* accounts.c */
web_handler accounts_get;
web_handler accounts_statement;

/* reports.c */
web_handler reports_revenue;
web_handler reports_ageing;

#endif
