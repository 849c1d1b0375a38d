package hubspottwin

const activityProperties = `
hs_timestamp|Activity date|datetime|date||
hs_attachment_ids|Attachment IDs|string|text||
hs_activity_type|Activity type|string|text||
` + commonProperties

const noteProperties = `
hs_note_body|Note body|string|html||
hs_body_preview|Body preview|string|text|r|
` + activityProperties

const taskProperties = `
hs_task_subject|Task Title|string|text||
hs_task_body|Task Notes|string|html||
hs_task_status|Task Status|enumeration|select||NOT_STARTED=Not started,IN_PROGRESS=In progress,WAITING=Waiting,COMPLETED=Completed,DEFERRED=Deferred
hs_task_priority|Priority|enumeration|select||NONE=None,LOW=Low,MEDIUM=Medium,HIGH=High
hs_task_type|Task Type|enumeration|select||CALL=Call,EMAIL=Email,LINKED_IN=LinkedIn,TODO=To-do
hs_task_reminders|Reminders|string|text||
hs_task_is_completed|Is completed|number|number|rc|
hs_task_completion_date|Completed at|datetime|date|r|
` + activityProperties

const meetingProperties = `
hs_meeting_title|Meeting name|string|text||
hs_meeting_body|Meeting description|string|html||
hs_internal_meeting_notes|Internal meeting notes|string|html||
hs_meeting_start_time|Meeting start time|datetime|date||
hs_meeting_end_time|Meeting end time|datetime|date||
hs_meeting_location|Meeting location|string|text||
hs_meeting_outcome|Meeting outcome|enumeration|select||SCHEDULED=Scheduled,COMPLETED=Completed,RESCHEDULED=Rescheduled,NO_SHOW=No show,CANCELED=Canceled
hs_meeting_external_url|External URL|string|text||
` + activityProperties

// The dispositions are every account's own; these are the ones that HubSpot makes. See
// https://developers.hubspot.com/docs/api-reference/latest/crm/activities/calls/guide
const callProperties = `
hs_call_title|Call Title|string|text||
hs_call_body|Call notes|string|html||
hs_call_direction|Call direction|enumeration|select||INBOUND=Inbound,OUTBOUND=Outbound
hs_call_status|Call status|enumeration|select||BUSY=Busy,CALLING_CRM_USER=Calling CRM User,CANCELED=Canceled,COMPLETED=Completed,CONNECTING=Connecting,FAILED=Failed,IN_PROGRESS=In Progress,MISSED=Missed,NO_ANSWER=No Answer,QUEUED=Queued,RINGING=Ringing
hs_call_disposition|Call outcome|enumeration|select||` + dispositions + `
hs_call_duration|Call duration|number|number||
hs_call_from_number|From Number|string|text||
hs_call_to_number|To Number|string|text||
hs_call_recording_url|Recording URL|string|text||
hs_call_source|Call source|enumeration|select||INTEGRATIONS_PLATFORM=Integrations platform,MANUAL=Manual
hs_call_external_id|External ID|string|text||
` + activityProperties

const dispositions = "9d9162e7-6cf3-4944-bf63-4dff82258764=Busy,f240bbac-87c9-4f6e-bf70-924b57d47db7=Connected," +
	"a4c4c377-d246-4b32-a13b-75a56a4cd0ff=Left live message,b2cf5968-551e-4856-9783-52b3da59a7d0=Left voicemail," +
	"73a0d17f-1163-4015-bdd5-ec830791da20=No answer,17b47fee-58de-441e-a44c-c6300d46f273=Wrong number"

const emailProperties = `
hs_email_subject|Email subject|string|text||
hs_email_text|Email body|string|textarea||
hs_email_html|Email HTML|string|html||
hs_email_direction|Email direction|enumeration|select||EMAIL=Email,INCOMING_EMAIL=Incoming email,FORWARDED_EMAIL=Forwarded email
hs_email_status|Email send status|enumeration|select||BOUNCED=Bounced,FAILED=Failed,SCHEDULED=Scheduled,SENDING=Sending,SENT=Sent
hs_email_headers|Email headers|string|text||
hs_email_from_email|Email from address|string|text|rc|
hs_email_to_email|Email to address|string|text|rc|
` + activityProperties
