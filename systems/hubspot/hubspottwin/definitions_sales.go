package hubspottwin

// What records have that were made with hs_createdate; deals and products have createdate.
const commonProperties = `
hubspot_owner_id|Owner|enumeration|select|o|
hs_object_id|Record ID|number|number|rh|
hs_object_source|Record creation source|enumeration|select|rh|INTEGRATION=Integration,CRM_UI=CRM UI,IMPORT=Import
hs_merged_object_ids|Merged record IDs|enumeration|checkbox|rh|
hs_createdate|Object create date/time|datetime|date|r|
hs_lastmodifieddate|Object last modified date/time|datetime|date|r|
`

const dealProperties = `
dealname|Deal Name|string|text||
amount|Amount|number|number||
dealstage|Deal Stage|enumeration|radio||
pipeline|Pipeline|enumeration|select||
closedate|Close Date|datetime|date||
dealtype|Deal Type|enumeration|radio||newbusiness=New Business,existingbusiness=Existing Business
deal_currency_code|Currency|enumeration|select||EUR=EUR (€),USD=USD ($),GBP=GBP (£)
description|Deal Description|string|textarea||
hs_priority|Priority|enumeration|select||low=Low,medium=Medium,high=High
hs_next_step|Next step|string|textarea||
closed_lost_reason|Closed Lost Reason|string|textarea||
closed_won_reason|Closed Won Reason|string|textarea||
hubspot_owner_id|Deal owner|enumeration|select|o|
hs_deal_stage_probability|Deal probability|number|number|rc|
hs_is_closed|Is Deal Closed?|bool|booleancheckbox|rc|true=True,false=False
hs_is_closed_won|Is Closed Won|bool|booleancheckbox|rc|true=True,false=False
amount_in_home_currency|Amount in company currency|number|number|rc|
num_associated_contacts|Number of Associated Contacts|number|number|rc|
notes_last_contacted|Last Contacted|datetime|date|r|
notes_last_updated|Last Activity Date|datetime|date|r|
contract_number|Contract number|string|text|x|
hs_object_id|Record ID|number|number|rh|
hs_object_source|Record creation source|enumeration|select|rh|INTEGRATION=Integration,CRM_UI=CRM UI,IMPORT=Import
hs_merged_object_ids|Merged record IDs|enumeration|checkbox|rh|
createdate|Create Date|datetime|date|r|
hs_lastmodifieddate|Last Modified Date|datetime|date|r|
`

const leadProperties = `
hs_lead_name|Lead name|string|text||
hs_lead_type|Lead type|enumeration|select||NEW BUSINESS=New business,RE-ATTEMPTING=Re-attempting,UPSELL=Upsell
hs_lead_label|Lead label|enumeration|select||HOT=Hot,WARM=Warm,COLD=Cold
hs_lead_source|Lead source|enumeration|select||OFFLINE=Offline Sources,ORGANIC_SEARCH=Organic Search,REFERRALS=Referrals
hs_pipeline|Pipeline|enumeration|select||
hs_pipeline_stage|Lead stage|enumeration|select||
hs_lead_disqualification_reason|Disqualification reason|enumeration|select||WRONG_TIMING=Wrong timing,NO_BUDGET=No budget,UNRESPONSIVE=Unresponsive
hs_lead_disqualification_note|Disqualification note|string|textarea||
notes_last_updated|Last Activity Date|datetime|date|r|
campaign_code|Campaign code|string|text|x|
` + commonProperties

const productProperties = `
name|Name|string|text||
description|Product description|string|textarea||
price|Unit price|number|number||
hs_sku|SKU|string|text||
hs_cost_of_goods_sold|Unit cost|number|number||
hs_product_type|Product Type|enumeration|radio||inventory=Inventory,non_inventory=Non-Inventory,service=Service
hs_status|Status|enumeration|select||active=Active,inactive=Inactive
hs_recurring_billing_period|Term|string|text||
recurringbillingfrequency|Billing frequency|enumeration|select||monthly=Monthly,quarterly=Quarterly,annually=Annually
hs_url|URL|string|text||
hs_images|Image URL|string|text||
tax|Tax|number|number||
barcode|Barcode|string|text|x|
hubspot_owner_id|Product owner|enumeration|select|o|
hs_object_id|Record ID|number|number|rh|
createdate|Create Date|datetime|date|r|
hs_lastmodifieddate|Last Modified Date|datetime|date|r|
`

const lineProperties = `
name|Name|string|text||
description|Product description|string|textarea||
quantity|Quantity|number|number||
price|Unit price|number|number||
discount|Unit discount|number|number||
hs_discount_percentage|Discount Percentage|number|number||
amount|Net price|number|number|rc|
hs_total_discount|Calculated total discount|number|number|rc|
hs_product_id|Product ID|number|number||
hs_sku|SKU|string|text||
hs_cost_of_goods_sold|Unit cost|number|number||
hs_line_item_currency_code|Currency|enumeration|select||EUR=EUR (€),USD=USD ($),GBP=GBP (£)
hs_recurring_billing_period|Term|string|text||
recurringbillingfrequency|Billing frequency|enumeration|select||monthly=Monthly,quarterly=Quarterly,annually=Annually
hs_position_on_quote|Position on quote|number|number||
tax|Tax|number|number||
hubspot_owner_id|Owner|enumeration|select|o|
hs_object_id|Record ID|number|number|rh|
createdate|Create Date|datetime|date|r|
hs_lastmodifieddate|Last Modified Date|datetime|date|r|
`

const quoteProperties = `
hs_title|Quote name|string|text||
hs_expiration_date|Expiration date|date|date||
hs_status|Quote status|enumeration|select||DRAFT=Draft,APPROVAL_NOT_NEEDED=Published,PENDING_APPROVAL=Pending approval,APPROVED=Approved,REJECTED=Rejected
hs_currency|Currency|enumeration|select||EUR=EUR (€),USD=USD ($),GBP=GBP (£)
hs_quote_number|Quote number|string|text|r|
hs_quote_amount|Quote amount|number|number|rc|
hs_quote_link|Quote link|string|text|r|
hs_comments|Comments to buyer|string|textarea||
hs_terms|Purchase terms|string|textarea||
hs_language|Language|enumeration|select||en=English,de=German,el=Greek
hs_locale|Locale|enumeration|select||en-us=English - United States,de-de=German - Germany,el-gr=Greek - Greece
hs_sender_firstname|Sender first name|string|text||
hs_sender_lastname|Sender last name|string|text||
hs_sender_email|Sender email|string|text||
hs_sender_company_name|Sender company name|string|text||
hs_esign_enabled|E-sign enabled|bool|booleancheckbox||true=True,false=False
quote_reference|Reference|string|text|x|
` + commonProperties

const invoiceProperties = `
hs_currency|Currency|enumeration|select||EUR=EUR (€),USD=USD ($),GBP=GBP (£)
hs_invoice_status|Invoice status|enumeration|select||draft=Draft,open=Open,paid=Paid,voided=Voided
hs_invoice_date|Invoice date|datetime|date||
hs_due_date|Due date|datetime|date||
hs_number|Invoice number|string|text|r|
hs_title|Title|string|text||
hs_purchase_order_number|PO number|string|text||
hs_comments|Comments|string|textarea||
hs_language|Language|enumeration|select||en=English,de=German,el=Greek
hs_amount_billed|Amount billed|number|number|rc|
hs_amount_paid|Amount paid|number|number|rc|
hs_balance_due|Balance due|number|number|rc|
hs_payment_date|Payment date|datetime|date|r|
hs_invoice_link|Invoice link|string|text|r|
erp_number|ERP number|string|text|x|
` + commonProperties

// machineProperties are those of the example of a custom object, see buildExample.
const machineProperties = `
serial_number|Serial number|string|text|xu|
model|Model|string|text|x|
installed_on|Installed on|date|date|x|
price|Price|number|number|x|
state|State|enumeration|select|x|running=Running,stopped=Stopped,scrapped=Scrapped
` + commonProperties
