package dolibarr

import (
	"slices"

	"github.com/tandemhub/tandem/record"
)

// salesObjects are what is sold: products, opportunities, and the papers about them.
func salesObjects() []object {
	return []object{
		{
			element: "product", created: "date_creation", modified: "date_modification",
			closed:  map[string]any{"status": "0", "status_buy": "0"},
			archive: map[string]any{"status": 0, "status_buy": 0}, restore: map[string]any{"status": 1},
			preset: map[string]any{"status": 1, "status_buy": 1},
			Object: record.Object{
				Name: products, Title: "Products", Common: "product",
				Create: true, Update: true, Delete: true, Archive: true, Restore: true,
			},
			fields: productFields(),
		},
		{
			element: "projet", created: "date_c", modified: "date_m",
			only: &only{filter: "(t.usage_opportunity:=:1)", key: "usage_opportunity", value: "1"},
			// A closed project is a deal that is done, not one that is put away.
			preset: map[string]any{"usage_opportunity": 1},
			Object: record.Object{
				Name: projects, Title: "Opportunities", Common: "deal", Create: true, Update: true, Delete: true,
			},
			fields: projectFields(),
		},
		{
			element: "propal", created: "date_creation", modified: "date_modification", moves: proposalMoves(), addLine: "/line",
			Object: record.Object{
				Name: proposals, Title: "Proposals", Common: "quote", Create: true, Update: true, Delete: true,
			},
			fields: proposalFields(),
		},
		{
			element: "commande", created: "date_creation", modified: "date_modification", moves: orderMoves(), addLine: "/lines",
			Object: record.Object{
				Name: orders, Title: "Orders", Common: "order", Create: true, Update: true, Delete: true,
			},
			fields: orderFields(),
		},
		{
			element: "facture", created: "date_creation", modified: "date_modification", moves: invoiceMoves(), addLine: "/lines",
			Object: record.Object{
				Name: invoices, Title: "Invoices", Common: "invoice", Create: true, Update: true, Delete: true,
			},
			fields: invoiceFields(),
		},
	}
}

func productFields() []field {
	ref := text("ref", "Reference", "sku", "ref", 128).findable().required().once()
	ref.Unique = true
	// Of the two prices the base is the one that counts; a create takes only that one, so
	// that ours is always the one without tax.
	base := plainField(record.KindChoice, "price_base_type", "Price is", "", "price_base_type").readOnly()
	base.Choices = []record.Choice{{Value: "HT", Label: "without tax"}, {Value: "TTC", Label: "with tax"}}
	return []field{
		ref,
		text("label", "Label", "name", "label", 255).findable().required(),
		html("description", "Description", "description", "description"),
		plainField(record.KindMoney, "price", "Price without tax", "price", "price").filled(),
		plainField(record.KindMoney, "price_ttc", "Price with tax", "", "price_ttc").readOnly(),
		base,
		plainField(record.KindNumber, "tva_tx", "Tax rate", "tax_rate", "tva_tx").filled(),
		choice("type", "Type", "fk_product_type", "product", "service").common("type").once(),
		plainField(record.KindBool, "status", "For sale", "active", "tosell").filled(),
		plainField(record.KindBool, "status_buy", "For purchase", "", "tobuy").filled(),
		text("barcode", "Barcode", "barcode", "barcode", 180),
		created("date_creation"),
		keyField(128),
	}
}

func projectFields() []field {
	ref := text("ref", "Reference", "", "ref", 50).findable().once()
	ref.Unique = true
	status := choice("status", "Status", "fk_statut", "draft", "open", "closed").common("status")
	status.also = "statut" // which version 20 heeds, the other one from 23 on (recorded)
	start := plainField(record.KindDate, "date_start", "Start", "opened_at", "dateo")
	end := plainField(record.KindDate, "date_end", "End", "close_date", "datee")
	start.epoch, end.epoch = true, true
	return []field{
		ref,
		text("title", "Title", "name", "title", 255).findable().required(),
		html("description", "Description", "description", "description"),
		reference("socid", "Third party", "company", "fk_soc", thirdParties).filled(),
		state("opp_status", "Stage", "fk_opp_status", defaultLeadStatuses()...).common("stage"),
		plainField(record.KindMoney, "opp_amount", "Amount", "amount", "opp_amount"),
		plainField(record.KindNumber, "opp_percent", "Probability", "probability", "opp_percent"),
		start, end,
		created("date_c"),
		keyField(50),
		status,
	}
}

// defaultLeadStatuses is the list that the installer puts into the dictionary, which the
// API does not show (recorded):
// https://github.com/Dolibarr/dolibarr/blob/develop/htdocs/install/mysql/data/llx_c_lead_status.sql
func defaultLeadStatuses() []record.Choice {
	return []record.Choice{
		{Value: "1", Label: "Prospection", Kind: record.ChoiceOpen},
		{Value: "2", Label: "Qualification", Kind: record.ChoiceOpen},
		{Value: "3", Label: "Proposal", Kind: record.ChoiceOpen},
		{Value: "4", Label: "Negotiation", Kind: record.ChoiceOpen},
		{Value: "5", Label: "Pending", Kind: record.ChoiceOpen, Hidden: true},
		{Value: "6", Label: "Won", Kind: record.ChoiceWon},
		{Value: "7", Label: "Lost", Kind: record.ChoiceLost},
	}
}

// papers are the fields that proposals, orders and invoices share. The status comes last:
// what else is written with it must be written before.
func papers(date field, own []field, status field) []field {
	date.epoch = true
	return slices.Concat(
		[]field{
			text("ref", "Reference", "number", "ref", 0).findable().readOnly(), // changes on validation
			reference("socid", "Third party", "company", "fk_soc", thirdParties).required().once(),
			date,
		}, own,
		[]field{
			plainField(record.KindMoney, "total_ht", "Total without tax", "net_total", "total_ht").readOnly(),
			plainField(record.KindMoney, "total_tva", "Tax", "tax_total", "total_tva").readOnly(),
			plainField(record.KindMoney, "total_ttc", "Total", "total", "total_ttc").readOnly(),
			text("multicurrency_code", "Currency", "currency", "multicurrency_code", 3).readOnly(),
			reference("fk_project", "Opportunity", "deal", "fk_projet", projects).readOnly(),
			linesField(),
		},
		noteFields(255),
		[]field{created("date_creation"), status},
	)
}

func proposalFields() []field {
	until := plainField(record.KindDate, validUntil, "Valid until", "valid_until", "fin_validite").filled().apartField()
	return papers(
		plainField(record.KindDate, "date", "Date", "date", "datep").required(),
		[]field{text("ref_client", "Customer's reference", "reference", "ref_client", 255).findable(), until},
		state("status", "Status", "fk_statut",
			record.Choice{Value: "-1", Label: "canceled", Kind: record.ChoiceLost, Hidden: true},
			record.Choice{Value: "0", Label: "draft", Kind: record.ChoiceOpen},
			record.Choice{Value: "1", Label: "validated", Kind: record.ChoiceOpen},
			record.Choice{Value: "2", Label: "signed", Kind: record.ChoiceWon},
			record.Choice{Value: "3", Label: "not signed", Kind: record.ChoiceLost},
			record.Choice{Value: "4", Label: "billed", Kind: record.ChoiceWon},
		).common("status").apartField(),
	)
}

func orderFields() []field {
	delivery := plainField(record.KindDate, "delivery_date", "Delivery planned", "delivery_date", "date_livraison").readOnly()
	date := plainField(record.KindDate, "date", "Date", "date", "date_commande").required()
	date.also = "date_commande" // by which an update knows it
	return papers(
		date,
		[]field{text("ref_client", "Customer's reference", "reference", "ref_client", 255).findable(), delivery},
		state("status", "Status", "fk_statut",
			record.Choice{Value: "-1", Label: "canceled", Kind: record.ChoiceLost, Hidden: true},
			record.Choice{Value: "0", Label: "draft", Kind: record.ChoiceOpen},
			record.Choice{Value: "1", Label: "validated", Kind: record.ChoiceOpen},
			record.Choice{Value: "2", Label: "in shipment", Kind: record.ChoiceOpen, Hidden: true},
			record.Choice{Value: "3", Label: "delivered", Kind: record.ChoiceWon},
		).common("status").apartField(),
	)
}

func invoiceFields() []field {
	kind := choice("type", "Type", "type", "standard", "replacement", "credit note", "deposit", "proforma", "situation").common("type").once()
	paid := plainField(record.KindBool, "paye", "Paid", "paid", "paye").readOnly()
	due := plainField(record.KindMoney, "remaintopay", "Still to pay", "amount_due", "").readOnly()
	due.column, due.Silent = "", true // is computed of the payments, which leave the invoice's row alone
	return papers(
		plainField(record.KindDate, "date", "Date", "date", "datef").filled(),
		[]field{
			text("ref_client", "Customer's reference", "reference", "ref_client", 255).findable(),
			kind,
			plainField(record.KindDate, "date_lim_reglement", "Due", "due_date", "date_lim_reglement").readOnly(),
			paid, due,
		},
		state("status", "Status", "fk_statut",
			record.Choice{Value: "0", Label: "draft", Kind: record.ChoiceOpen},
			record.Choice{Value: "1", Label: "unpaid", Kind: record.ChoiceOpen},
			record.Choice{Value: "2", Label: "paid", Kind: record.ChoiceWon},
			record.Choice{Value: "3", Label: "abandoned", Kind: record.ChoiceLost, Hidden: true},
		).common("status").apartField(),
	)
}

// apartField makes a field that calls of its own write.
func (f field) apartField() field {
	f.apart = true
	return f
}
